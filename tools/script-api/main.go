// Command script-api writes what repeats the definitions for editors, which are the one place where the
// script API is described. It runs at the root of the repository.
package main

import (
	"fmt"
	"os"

	"github.com/go-initscript/initscript/internal/generate"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "script-api: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	files, err := generate.Files(".")
	if err != nil {
		return err
	}
	for file, content := range files {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			return fmt.Errorf("write what is made of the definitions: %w", err)
		}
	}
	return nil
}
