//go:build linux

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-initscript/initscript"
)

// Names that budgets refer to.
const (
	groupScript   = "script finished, "
	groupProgram  = "start to end of /bin/true, "
	groupLength   = "script of some length"
	nameExit      = "C: clone, _exit"
	nameExec      = "C: clone, exec /bin/true"
	nameOurs      = "initscript, Go package"
	nameCommand   = "initscript run"
	nameBwrap     = "bubblewrap"
	nameForkExit  = "C: fork, _exit, of the server's size"
	shortScript   = "C.umask(18)"
	longLines     = 1000
	nameEmpty     = "empty script"
	programToExec = "/bin/true"
)

// contenders is the list of all that is measured. Those of one group stand together, the limit first.
func (b *bench) contenders() ([]contender, error) {
	bundle, err := b.makeBundle()
	if err != nil {
		return nil, fmt.Errorf("OCI bundle: %w", err)
	}
	var list []contender
	add := func(group, name string, start func() (time.Duration, error)) {
		list = append(list, contender{group, name, start})
	}
	for _, l := range levels {
		name := nameExit
		if l == none {
			name = nameForkExit
		}
		group := groupScript + levelNames[l]
		add(group, name, b.large.start(l, "exit"))
		add(group, nameOurs, b.finishScript(l))
	}

	group := groupProgram + levelNames[none]
	add(group, nameExec, b.limit.start(none, "exec"))
	add(group, nameOurs, b.runProgram(none))
	add(group, "os/exec", osExec(0))
	add(group, nameCommand, b.runCommand(none))

	group = groupProgram + levelNames[six]
	add(group, nameExec, b.limit.start(six, "exec"))
	add(group, nameOurs, b.runProgram(six))
	add(group, "os/exec with Cloneflags", osExec(sixCloneFlags))
	add(group, nameCommand, b.runCommand(six))
	add(group, "unshare", wholeProcess(unshareSix...))
	add(group, nameBwrap, wholeProcess(bwrapSix...))
	add(group, "criyle/go-sandbox", b.sandbox.start(six, "exec"))

	group = groupProgram + levelNames[box]
	add(group, nameExec, b.limit.start(box, "exec"))
	add(group, nameOurs, b.runProgram(box))
	add(group, nameCommand, b.runCommand(box))
	add(group, nameBwrap, wholeProcess(bwrapBox()...))
	add(group, "criyle/go-sandbox", b.sandbox.start(box, "exec"))
	add(group, "firejail", wholeProcess(firejailBox...))
	add(group, "crun", bundle.run("crun", "--cgroup-manager=disabled"))
	add(group, "runc", bundle.run("runc"))

	for _, l := range levels {
		group = groupActor + levelNames[l]
		if l != box { // os/exec makes no mounts
			add(group, nameExecSelf, execSelf(l))
		}
		add(group, nameGoActor, b.firstReply(l, initscript.Actor{Entry: "echo"}))
		add(group, nameLuaActor, b.firstReply(l, initscript.Actor{ModuleSource: echoModule}))
	}

	add(groupLength, nameEmpty, finish("", none, ""))
	add(groupLength, fmt.Sprintf("%d lines of %s", longLines, shortScript),
		finish(strings.Repeat(shortScript+"\n", longLines), none, ""))
	return list, nil
}
