//go:build (linux || freebsd) && cgo

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aarzilli/golua/lua"
	"github.com/go-initscript/initscript/internal/printable"
	"github.com/go-initscript/initscript/luahost"
	"github.com/spf13/cobra"
)

// statusProgramFailed is what lua(1) ends with, too.
const statusProgramFailed = 1

const hostHelp = `Runs the LuaJIT program APP.lua, which can start confined processes with spawn_vm, as programs of
Emilua do. APP.lua may be "-", the standard input. The arguments are in the table arg and in "...".
Processes that it has started and not detached end with it.

Exit status: 0 when the program has ended, 1 when it could not be loaded or has raised an error, n
after os.exit(n).`

const hostExample = `  initscript host app.lua
  echo 'local c = spawn_vm{module_source = "parent:send(1 + 1)", subprocess = {}}
    print(c:receive())' | initscript host -`

func newHostCommand() *cobra.Command {
	command := &cobra.Command{
		Use:                   "host APP.lua [ARG...]",
		Short:                 "Run a Lua program that starts confined processes",
		Long:                  hostHelp,
		Example:               hostExample,
		DisableFlagsInUseLine: true,
	}
	command.Flags().SetInterspersed(false) // what follows APP.lua is not ours
	command.RunE = func(command *cobra.Command, args []string) error {
		if len(args) == 0 {
			return &usageError{errors.New("no program is given"), command}
		}
		return runHost(args[0], args[1:])
	}
	return command
}

func runHost(path string, args []string) error {
	L := lua.NewState()
	L.OpenLibs()
	defer L.Close()
	if err := luahost.Open(L); err != nil {
		return err
	}
	return luahost.Run(L, path, args...)
}

// printProgramError prints what a Lua program did not catch. The message may be that of an actor, so it is
// one line; the traceback, which is about the program only, has several.
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
