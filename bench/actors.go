//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/go-initscript/initscript"
)

const (
	groupActor    = "first reply, "
	nameExecSelf  = "os/exec of the same program"
	nameGoActor   = "initscript, Go actor"
	nameLuaActor  = "initscript, Lua actor"
	execSelfMark  = "INITSCRIPT_BENCH_ECHO"
	manyActors    = 20
	actorQuestion = "ping"

	// The actors in Lua do what the entries echo and wait do in Go.
	echoModule = `parent:send(inbox:receive())`
	waitModule = `parent:send("ready") inbox:receive()`
)

func init() {
	initscript.Register("echo", func(self *initscript.Self) error {
		message, err := self.Receive(context.Background())
		if err != nil {
			return err
		}
		return self.Send(context.Background(), message)
	})
	initscript.Register("wait", func(self *initscript.Self) error {
		if err := self.Send(context.Background(), "ready"); err != nil {
			return err
		}
		_, err := self.Receive(context.Background())
		return err
	})
}

// beExecuted answers a line, in the process that execSelf starts.
func beExecuted() {
	if os.Getenv(execSelfMark) == "" {
		return
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err == nil {
		fmt.Print(line)
	}
	os.Exit(0)
}

// atLevel adds the namespaces of a level.
func atLevel(actor initscript.Actor, l level) initscript.Actor {
	if l != none {
		actor.Namespaces = sixNamespaces
		actor.UIDMap = []initscript.IDMap{{HostID: os.Geteuid(), Size: 1}}
		actor.GIDMap = []initscript.IDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return actor
}

// firstReply measures from Spawn to the answer to the first message.
func (b *bench) firstReply(l level, options initscript.Actor) func() (time.Duration, error) {
	options.Script = b.script(l)
	options = atLevel(options, l)
	return func() (time.Duration, error) {
		ctx := context.Background()
		begin := time.Now()
		actor, err := initscript.Spawn(ctx, options)
		if err != nil {
			return 0, err
		}
		err = actor.Send(ctx, actorQuestion)
		if err == nil {
			_, err = actor.Receive(ctx)
		}
		took := time.Since(begin)
		return took, errors.Join(err, actor.Close(), actor.Wait())
	}
}

// execSelf measures the same for a process that os/exec starts, with pipes.
func execSelf(l level) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{execSelfMark + "=1"}
		if l != none {
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  sixCloneFlags,
				UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
				GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
			}
		}
		begin := time.Now()
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return 0, err
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			return 0, err
		}
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		fmt.Fprintln(stdin, actorQuestion)
		_, err = bufio.NewReader(stdout).ReadString('\n')
		took := time.Since(begin)
		return took, errors.Join(err, cmd.Wait())
	}
}

// idleActors starts actors that wait for a message.
func idleActors(count int, options initscript.Actor) (pids []int, release func(), err error) {
	var actors []*initscript.Actor
	release = func() {
		for _, actor := range actors {
			actor.Send(context.Background(), "end")
			actor.Wait()
			actor.Close()
		}
	}
	options.Script = shortScript
	for range count {
		actor, err := initscript.Spawn(context.Background(), options)
		if err != nil {
			return pids, release, err
		}
		actors = append(actors, actor)
		pids = append(pids, actor.Pid())
		if _, err := actor.Receive(context.Background()); err != nil {
			return pids, release, err
		}
	}
	return pids, release, nil
}
