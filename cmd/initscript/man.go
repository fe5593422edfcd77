//go:build (linux || freebsd) && cgo

package main

import (
	"fmt"
	"os"

	"github.com/go-initscript/initscript/internal/manpage"
	"github.com/spf13/cobra"
)

// newManCommand makes the manual page of all the others. It is for building packages, so it is not
// in the help.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man FILE",
		Short:  "Write the manual page",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if err := os.WriteFile(args[0], []byte(manpage.FromCommand(command.Root())), 0o666); err != nil {
				return fmt.Errorf("manual page: %w", err)
			}
			return nil
		},
	}
}
