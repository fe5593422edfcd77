package actors_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript/internal/actortest"
	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/cthreads"
	"github.com/go-initscript/initscript/seccomp"
)

// roundTrip starts an actor, gets one answer of it and waits for its end.
func roundTrip(ctx context.Context, message any) error {
	actor, err := initscript.Spawn(ctx, initscript.Actor{Entry: "echo", Env: testkit.ActorEnv})
	if err != nil {
		return err
	}
	defer actor.Close()
	if err := actor.Send(ctx, message); err != nil {
		return err
	}
	answer, err := actor.Receive(ctx)
	if err != nil {
		return fmt.Errorf("receive: %w (%v)", err, actor.Wait())
	}
	if answer != message {
		return fmt.Errorf("answer %v to %v", answer, message)
	}
	return actor.Wait()
}

// A host that is busy in every way is no obstacle: an actor is forked from the server, not from it.
func TestManyActorsOfABusyHost(t *testing.T) {
	count := 2000
	if testkit.WithRace || testkit.WithASan || testing.Short() {
		count = 200
	}
	testkit.Must(t, roundTrip(context.Background(), "first"))
	before := testkit.TakeFootprint(t)
	stop := make(chan struct{})
	var busy sync.WaitGroup
	for range 200 {
		busy.Go(func() {
			var garbage [][]byte
			for {
				select {
				case <-stop:
					return
				default:
					garbage = append(garbage[:len(garbage)%100], make([]byte, 1000))
					runtime.Gosched()
				}
			}
		})
	}
	stopThreads := cthreads.Start(8)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for i := next.Add(1); i <= int64(count); i = next.Add(1) {
				if err := roundTrip(context.Background(), i); err != nil {
					t.Errorf("actor %d: %v", i, err)
					return
				}
			}
		})
	}
	workers.Wait()
	close(stop)
	busy.Wait()
	stopThreads()
	testkit.CheckFootprint(t, before)
}

// A filter that kills at one system call ends the actor where it uses that for the first time: in
// the launcher, in the boot of the runtime, in the entry. Nothing may hang or be left behind.
func TestActorKilledAtEachStep(t *testing.T) {
	steps := []string{
		"sendto", "munmap", "madvise", "close_range", "close", "brk", // the launcher
		// The boot.
		"arch_prctl", "sched_getaffinity", "rt_sigaction", "rt_sigprocmask", "sigaltstack", "mmap",
		"gettid",
		"clone", "clone3", "futex", "fcntl", "prlimit64", "nanosleep", "openat", "read", "epoll_create1",
		"epoll_ctl",
		"eventfd2", "getsockopt", "recvmsg", "sendmsg", "epoll_pwait", "exit_group", // the entry
	}
	testkit.Must(t, roundTrip(context.Background(), "first"))
	before := testkit.TakeFootprint(t)
	outcomes := make(map[string]int)
	for _, step := range steps {
		for _, action := range []seccomp.Action{seccomp.KillProcess, seccomp.Errno(syscall.EPERM)} {
			policy := seccomp.Policy{
				DefaultAction: seccomp.Allow,
				Rules:         []seccomp.Rule{{Names: []string{step}, Action: action, Optional: true}},
			}
			outcomes[startUnder(t, &policy, step+" "+action.String())]++
		}
	}
	t.Log(outcomes)
	if outcomes["killed"] < 10 {
		t.Errorf("outcomes: %v", outcomes)
	}
	testkit.CheckFootprint(t, before)
}

// startUnder returns how an actor behind a filter ended.
func startUnder(t *testing.T, policy *seccomp.Policy, name string) string {
	t.Helper()
	ctx := actortest.Context(t)
	filter := testkit.FilterFile(t, policy)
	actor, err := initscript.Spawn(ctx, initscript.Actor{Entry: "echo", Env: testkit.ActorEnv,
		Arg: filter, Script: testkit.InstallFilter})
	filter.Close()
	if err == nil {
		actor.Send(ctx, "hello")
		actor.Receive(ctx)
		actor.Close()
		actor.Kill() // where a missing call makes it wait for ever
		err = actor.Wait()
	}
	var exit *initscript.ExitError
	switch {
	case err == nil:
		return "worked"
	case errors.Is(err, context.DeadlineExceeded):
		t.Errorf("%s: it hangs", name)
		return "hangs"
	case errors.As(err, &exit) && exit.Signal() == syscall.SIGSYS,
		strings.Contains(err.Error(), "bad system call"):
		return "killed"
	default:
		return "failed"
	}
}

// A start that is given up at any moment leaves nothing behind.
func TestSpawnCancelledAtAnyMoment(t *testing.T) {
	count := 200
	if testkit.WithRace || testkit.WithASan {
		count = 40
	}
	testkit.Must(t, roundTrip(context.Background(), "first"))
	before := testkit.TakeFootprint(t)
	outcomes := make(map[bool]int)
	for i := range count {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range i * 20 { // a different moment each time
				runtime.Gosched()
			}
			cancel()
		}()
		actor, err := initscript.Spawn(ctx, initscript.Actor{Entry: "wait", Env: testkit.ActorEnv})
		outcomes[err == nil]++
		if err == nil {
			cancel()
			err = actor.Wait()
			actor.Close()
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%d: %v", i, err)
		}
		<-done
	}
	t.Log(outcomes)
	testkit.CheckFootprint(t, before)
}

// The tightest filter under which an actor works: everything but the groups kills. What fails in a
// root directory without anything in it may fail by a filter, too.
func TestActorUnderTightestFilter(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	probing := []string{"open", "openat", "readlinkat", "uname", "getrandom"}
	policy := seccomp.Policy{
		DefaultAction: seccomp.KillProcess,
		Rules: []seccomp.Rule{
			{Names: probing, Action: seccomp.Errno(syscall.ENOENT), Optional: true},
			{Names: []string{"@launcher", "@go-runtime"}, Action: seccomp.Allow},
		},
	}
	withInit := policy
	withInit.Rules = append(slices.Clone(policy.Rules),
		seccomp.Rule{Names: []string{"@init"}, Action: seccomp.Allow})
	for _, test := range []struct {
		policy     *seccomp.Policy
		namespaces initscript.Namespaces
	}{{&policy, 0}, {&withInit, initscript.NewPID}} {
		t.Run(test.namespaces.String(), func(t *testing.T) {
			for range 20 { // what the runtime does depends on the moment, too
				actor := actortest.Spawn(t, actortest.MappedToRoot(initscript.Actor{
					Entry: "probe", Env: testkit.ActorEnv,
					Namespaces: initscript.NewMount | test.namespaces,
					Arg:        testkit.FilterFile(t, test.policy),
					Script:     emptyRoot + testkit.InstallFilter, Stderr: os.Stderr,
				}))
				actortest.Ask(t, actor, "collect")
				if got := actortest.Ask(t, actor, "gomaxprocs"); got == int64(0) {
					t.Error(got)
				}
				actortest.Finish(t, actor)
			}
			actor := actortest.Spawn(t, actortest.MappedToRoot(initscript.Actor{
				Entry: "probe", Env: testkit.ActorEnv, Namespaces: initscript.NewMount | test.namespaces,
				Arg: testkit.FilterFile(t, test.policy), Script: emptyRoot + testkit.InstallFilter,
			}))
			testkit.Must(t, actor.Send(actortest.Context(t), []any{"setresuid", 0})) // not in the groups
			if answer, err := actor.Receive(actortest.Context(t)); err == nil {
				t.Errorf("the forbidden: %v", answer)
			}
		})
	}
}
