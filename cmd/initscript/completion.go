//go:build (linux || freebsd) && cgo

package main

import (
	"slices"
	"strings"

	"github.com/go-initscript/initscript"
	"github.com/spf13/cobra"
)

// completeNamespaces completes the last name of a comma-separated list.
func completeNamespaces(
	_ *cobra.Command, _ []string, typed string,
) ([]string, cobra.ShellCompDirective) {
	given := strings.Split(typed, ",")
	given = given[:len(given)-1]
	var lists []string
	for bit := initscript.NewUser; bit <= initscript.NewTime; bit <<= 1 {
		if name := bit.String(); !slices.Contains(given, name) {
			lists = append(lists, strings.Join(append(given, name), ","))
		}
	}
	return lists, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
