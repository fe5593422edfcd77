//go:build (linux || freebsd) && cgo && luajit

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aarzilli/golua/lua"
	"github.com/go-initscript/initscript/internal/printable"
	"github.com/go-initscript/initscript/luahost"
)

func runHost(path string, args []string) error {
	L := lua.NewState()
	L.OpenLibs()
	defer L.Close()
	if err := luahost.Open(L); err != nil {
		return err
	}
	return luahost.Run(L, path, args...)
}

// printProgramError prints what a Lua program did not catch. The message may be that of an actor, so it
// is one line; the traceback, which is about the program only, has several.
func printProgramError(err error) bool {
	var program *luahost.ProgramError
	if !errors.As(err, &program) {
		return false
	}
	message, traceback := program.Message, ""
	if i := strings.LastIndex(message, "\nstack traceback:\n"); i >= 0 {
		message, traceback = message[:i], message[i:]
	}
	fmt.Fprintln(os.Stderr, "initscript: "+oneLine(message)+printable.Lines(traceback))
	return true
}
