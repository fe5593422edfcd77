//go:build (linux || freebsd) && cgo

// Command initscript runs a program behind an init script: LuaJIT code that sets up the sandbox of
// the program in the program's own process. See "initscript run --help".
package main

import (
	"fmt"
	"os"

	"github.com/go-initscript/initscript"
)

func main() {
	err := newRootCommand().Execute()
	if printProgramError(err) {
		os.Exit(statusProgramFailed)
	}
	if text := failureText(err); text != "" && !endedByScript(err) {
		fmt.Fprintln(os.Stderr, "initscript: "+text)
		if hint := initscript.Hint(err); hint != "" {
			fmt.Fprintln(os.Stderr, "hint: "+oneLine(hint))
		}
	}
	os.Exit(exitStatus(err))
}
