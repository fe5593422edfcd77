//go:build (linux || freebsd) && cgo

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// statusProgramFailed is the exit status of lua(1) in that case, too.
const statusProgramFailed = 1

const hostHelp = `Runs the LuaJIT program APP.lua, which can start confined processes with spawn_vm,
as programs of Emilua do. APP.lua may be "-", the standard input. The arguments are
in the table arg and in "...". Processes that it has started and not detached end
with it.

Exit status: 0 when the program has ended, 1 when it could not be loaded or has
raised an error, n after os.exit(n).`

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
