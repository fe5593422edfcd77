package initscript

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf/arch"
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
	info, err := arch.GetInfo("")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range seccompGroups["@go-runtime"] {
		if _, known := info.SyscallNames[name]; !known || neededSometimes[name] != "" {
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

// actorWithout returns how an actor ends that is killed by a system call.
func actorWithout(t *testing.T, name string) error {
	t.Helper()
	policy := SeccompPolicy{
		DefaultAction: SeccompAllow,
		Rules:         []SeccompRule{{Names: []string{name}, Action: SeccompKillProcess}},
	}
	filter, err := policy.Compile()
	if err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := writer.Write(filter); err != nil { // less than what a pipe holds
		t.Fatal(err)
	}
	writer.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	actor, err := Spawn(ctx, Actor{
		Entry: "probe", Arg: reader,
		Script: "set_no_new_privs() C.seccomp_set_mode_filter(C.read(arg, 32768))",
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
