package seccomp_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/seccomptest"
	"github.com/go-initscript/initscript/seccomp"
)

// neededSometimes are the calls of @go-runtime that an actor does without on most machines, or at
// most moments.
var neededSometimes = map[string]string{
	"clock_gettime":   "where the kernel offers no vDSO",
	"clock_nanosleep": "when a thread cannot be made at once",
	"clone":           "where clone3 is refused, and before glibc 2.34",
	"exit":            "when a goroutine ends that has locked its thread",
	"fstat":           "by glibc 2.39 and later of /proc/self/maps, where it may open that",
	"restart_syscall": "after SIGSTOP and SIGCONT",
}

// The group is no larger than it must be: an actor that may not use one of its calls does not get
// to its end.
func TestGoRuntimeGroupIsTight(t *testing.T) {
	names := membersOf(t, "@go-runtime")
	if len(names) < 30 {
		t.Fatalf("the group has only %q", names)
	}
	for _, name := range names {
		if neededSometimes[name] != "" {
			continue
		}
		// Which threads wait for which is a matter of chance: an actor may do without a call once.
		var err error
		for tries := 10; err == nil && tries > 0; tries-- {
			err = actorWithout(t, name)
		}
		if err == nil || !strings.Contains(err.Error(), "bad system call") {
			t.Errorf("%s: an actor does without it: %v", name, err)
		}
	}
}

// membersOf returns the system calls that the filter refuses for a policy that refuses the group.
func membersOf(t *testing.T, group string) []string {
	t.Helper()
	policy := seccomp.Policy{
		DefaultAction: seccomp.Allow,
		Rules:         []seccomp.Rule{{Names: []string{group}, Action: seccomp.KillProcess}},
	}
	compiled, err := policy.Compile()
	testkit.Must(t, err)
	filter, info := seccomptest.Load(t, compiled), seccomptest.Archs[runtime.GOARCH]
	var members []string
	for number, name := range info.SyscallNumbers {
		call := seccomptest.Data{Number: uint32(number), Arch: uint32(info.ID)}
		if filter.Verdict(t, call) == seccomptest.KillProcess {
			members = append(members, name)
		}
	}
	return members
}

// actorWithout returns how an actor ends that is killed by a system call.
func actorWithout(t *testing.T, name string) error {
	t.Helper()
	policy := seccomp.Policy{
		DefaultAction: seccomp.Allow,
		Rules:         []seccomp.Rule{{Names: []string{name}, Action: seccomp.KillProcess}},
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	filter := testkit.FilterFile(t, &policy)
	defer filter.Close()
	actor, err := initscript.Spawn(ctx, initscript.Actor{
		Entry: "probe", Arg: filter, Script: testkit.InstallFilter,
	})
	if err != nil {
		return err
	}
	if actor.Send(ctx, []any{"collect", actor.Channel()}) == nil {
		actor.Receive(ctx)
	}
	actor.Close()
	err = actor.Wait()
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("%s: it hangs", name)
	}
	return err
}
