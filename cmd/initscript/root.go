//go:build (linux || freebsd) && cgo

package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// usageError is a command line that cannot be understood.
type usageError struct {
	err     error
	command *cobra.Command
}

func (e *usageError) Error() string {
	return fmt.Sprintf("%v (see %s --help)", e.err, e.command.CommandPath())
}
func (e *usageError) Unwrap() error { return e.err }

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "initscript",
		Short:         "Run a program behind an init script that sets up its sandbox",
		Version:       version(),
		SilenceErrors: true, // main prints them, in one line
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(command *cobra.Command, err error) error {
		return &usageError{err, command}
	})
	root.AddCommand(newRunCommand())
	root.AddCommand(newReplCommand())
	root.AddCommand(newHostCommand())
	root.AddCommand(newDoctorCommand())
	root.AddCommand(newCheckCommand())
	root.AddCommand(systemCommands()...)
	return root
}
