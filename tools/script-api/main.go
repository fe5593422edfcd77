// Command script-api makes docs/script-api.md and the manual page initscript-script(7) from the
// definitions for editors, which are the one place where the script API is described: script-api
// DEFINITIONS PAGE MANPAGE.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/manpage"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "script-api: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: script-api DEFINITIONS PAGE MANPAGE")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("read the definitions: %w", err)
	}
	blocks, err := definitions.Parse(string(text))
	if err != nil {
		return fmt.Errorf("%s:%w", args[0], err)
	}
	if err := os.WriteFile(args[1], []byte(definitions.Markdown(blocks)), 0o644); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	if err := os.WriteFile(args[2], []byte(manpage.ScriptAPI(blocks)), 0o644); err != nil {
		return fmt.Errorf("write the manual page: %w", err)
	}
	return nil
}
