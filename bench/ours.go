//go:build linux

package main

import (
	"errors"
	"os"
	"time"

	"github.com/go-initscript/initscript"
)

const sixNamespaces = initscript.NewUser | initscript.NewMount | initscript.NewPID |
	initscript.NewNet | initscript.NewUTS | initscript.NewIPC

func newCmd(script string, l level, program string) *initscript.Cmd {
	cmd := &initscript.Cmd{Path: program, Script: script}
	if l != none {
		cmd.Namespaces = sixNamespaces
		cmd.UIDMap = []initscript.IDMap{{HostID: os.Geteuid(), Size: 1}}
		cmd.GIDMap = []initscript.IDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return cmd
}

func (b *bench) script(l level) string {
	if l == box {
		return b.box
	}
	return shortScript
}

// finish measures from Start to the word that the script has ended; the end of the process follows
// unmeasured.
func finish(script string, l level, program string) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		cmd := newCmd(script, l, program)
		begin := time.Now()
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		err := cmd.WaitScript()
		took := time.Since(begin)
		return took, errors.Join(err, cmd.Wait())
	}
}

func (b *bench) finishScript(l level) func() (time.Duration, error) {
	return finish(b.script(l), l, "")
}

// runProgram measures up to the end of a program behind the script.
func (b *bench) runProgram(l level) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		cmd := newCmd(b.script(l), l, programToExec)
		begin := time.Now()
		err := cmd.Run()
		return time.Since(begin), err
	}
}

// runCommand measures the initscript command as a whole process.
func (b *bench) runCommand(l level) func() (time.Duration, error) {
	argv := []string{b.command, "run"}
	if l != none {
		argv = append(argv, "--ns", "user,mount,pid,net,uts,ipc")
	}
	if l == box {
		argv = append(argv, "--map-root", b.boxPath)
	} else {
		argv = append(argv, "-e", shortScript)
	}
	return wholeProcess(append(argv, "--", programToExec)...)
}
