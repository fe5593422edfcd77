// Command script-api makes what says again what the definitions for editors say, which are the one place
// where the script API is described. It runs at the root of the repository.
package main

import (
	"fmt"
	"os"

	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/manpage"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "script-api: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	const source = "lua/initscript.d.lua"
	text, err := os.ReadFile(source)
	if err != nil {
		return fmt.Errorf("read the definitions: %w", err)
	}
	blocks, err := definitions.Parse(string(text))
	if err != nil {
		return fmt.Errorf("%s:%w", source, err)
	}
	const liveMode = "docs/live-mode.md"
	page, err := os.ReadFile(liveMode)
	if err != nil {
		return fmt.Errorf("read the page with the classes: %w", err)
	}
	for file, content := range map[string]string{
		"docs/script-api.md":           definitions.Markdown(blocks),
		"docs/man/initscript-script.7": manpage.ScriptAPI(blocks),
		liveMode:                       definitions.LiveMode(string(page), blocks),
	} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			return fmt.Errorf("write what is made of the definitions: %w", err)
		}
	}
	return nil
}
