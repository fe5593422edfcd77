//go:build cgo

package main

import "github.com/spf13/cobra"

// FreeBSD has no seccomp, so no commands for it either.
func systemCommands() []*cobra.Command { return nil }
