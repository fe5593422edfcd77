package initscript_test

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

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/cthreads"
	"github.com/go-initscript/initscript/seccomp"
)

// roundTrip starts an actor, gets one answer of it and waits for its end.
func roundTrip(ctx context.Context, message any) error {
	actor, err := initscript.Spawn(ctx, initscript.Actor{Entry: "echo", Env: actorEnv})
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
	if withRace || withASan || testing.Short() {
		count = 200
	}
	must(t, roundTrip(context.Background(), "first"))
	before := takeFootprint(t)
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
	checkFootprint(t, before)
}

// A filter that kills at one system call ends the actor where it uses that for the first time: in
// the launcher, in the boot of the runtime, in the entry. Nothing may hang or be left behind.
func TestActorKilledAtEachStep(t *testing.T) {
	steps := []string{
		"sendto", "munmap", "madvise", "close_range", "close", "brk", // the launcher
		"arch_prctl", "sched_getaffinity", "rt_sigaction", "rt_sigprocmask", "sigaltstack", "mmap", "gettid", // the boot
		"clone", "clone3", "futex", "fcntl", "prlimit64", "nanosleep", "openat", "read", "epoll_create1", "epoll_ctl",
		"eventfd2", "getsockopt", "recvmsg", "sendmsg", "epoll_pwait", "exit_group", // the entry
	}
	must(t, roundTrip(context.Background(), "first"))
	before := takeFootprint(t)
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
	checkFootprint(t, before)
}

// startUnder returns how an actor behind a filter ended.
func startUnder(t *testing.T, policy *seccomp.Policy, name string) string {
	t.Helper()
	ctx := testContext(t)
	filter := filterFile(t, policy)
	actor, err := initscript.Spawn(ctx, initscript.Actor{Entry: "echo", Env: actorEnv, Arg: filter, Script: installFilter})
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
	case errors.As(err, &exit) && exit.Signal() == syscall.SIGSYS, strings.Contains(err.Error(), "bad system call"):
		return "killed"
	default:
		return "failed"
	}
}

// installFilter is the script that installs the filter behind arg.
const installFilter = `
	set_no_new_privs()
	C.seccomp_set_mode_filter(C.read(arg, 32768))
`

// filterFile returns a file with the compiled policy.
func filterFile(t *testing.T, policy *seccomp.Policy) *os.File {
	t.Helper()
	filter, err := policy.Compile()
	must(t, err)
	reader, writer, err := os.Pipe()
	must(t, err)
	t.Cleanup(func() { reader.Close() })
	go func() {
		writer.Write(filter)
		writer.Close()
	}()
	return reader
}

// A start that is given up at any moment leaves nothing behind.
func TestSpawnCancelledAtAnyMoment(t *testing.T) {
	count := 200
	if withRace || withASan {
		count = 40
	}
	must(t, roundTrip(context.Background(), "first"))
	before := takeFootprint(t)
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
		actor, err := initscript.Spawn(ctx, initscript.Actor{Entry: "wait", Env: actorEnv})
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
	checkFootprint(t, before)
}

// The tightest filter under which an actor works: everything but the groups kills. What fails in a
// root directory without anything in it may fail by a filter, too.
func TestActorUnderTightestFilter(t *testing.T) {
	requireUserNamespaces(t)
	probing := []string{"open", "openat", "readlinkat", "uname", "getrandom"}
	policy := seccomp.Policy{
		DefaultAction: seccomp.KillProcess,
		Rules: []seccomp.Rule{
			{Names: probing, Action: seccomp.Errno(syscall.ENOENT), Optional: true},
			{Names: []string{"@launcher", "@go-runtime"}, Action: seccomp.Allow},
		},
	}
	withInit := policy
	withInit.Rules = append(slices.Clone(policy.Rules), seccomp.Rule{Names: []string{"@init"}, Action: seccomp.Allow})
	for _, test := range []struct {
		policy     *seccomp.Policy
		namespaces initscript.Namespaces
	}{{&policy, 0}, {&withInit, initscript.NewPID}} {
		t.Run(test.namespaces.String(), func(t *testing.T) {
			for range 20 { // what the runtime does depends on the moment, too
				actor := spawn(t, mappedToRoot(initscript.Actor{
					Entry: "probe", Env: actorEnv, Namespaces: initscript.NewMount | test.namespaces,
					Arg: filterFile(t, test.policy), Script: emptyRoot + installFilter, Stderr: os.Stderr,
				}))
				ask(t, actor, "collect")
				if got := ask(t, actor, "gomaxprocs"); got == int64(0) {
					t.Error(got)
				}
				finish(t, actor)
			}
			actor := spawn(t, mappedToRoot(initscript.Actor{
				Entry: "probe", Env: actorEnv, Namespaces: initscript.NewMount | test.namespaces,
				Arg: filterFile(t, test.policy), Script: emptyRoot + installFilter,
			}))
			must(t, actor.Send(testContext(t), []any{"setresuid", 0})) // not in the groups
			if answer, err := actor.Receive(testContext(t)); err == nil {
				t.Errorf("the forbidden: %v", answer)
			}
		})
	}
}
