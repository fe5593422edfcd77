//go:build (linux || freebsd) && cgo && !luajit

package main

import "errors"

// runHost fails: golua, which runs the programs of host, needs the build tag luajit.
func runHost(string, []string) error {
	return errors.New("this command was built without host: go install -tags luajit " +
		"github.com/go-initscript/initscript/cmd/initscript@latest builds it with it")
}

// printProgramError has nothing to print: no program of host can fail.
func printProgramError(error) bool { return false }
