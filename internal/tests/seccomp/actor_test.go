package seccomp_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/go-initscript/initscript/internal/actortest"
	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/cthreads"
	"golang.org/x/sys/unix"
)

// What an actor under the groups tries.
func init() {
	actortest.Probes["call"] = func(_ *initscript.Self, arguments []any) (any, error) {
		var words [7]uintptr
		for i, word := range arguments {
			words[i] = uintptr(word.(int64))
		}
		return callRaw(words)
	}
	actortest.Probes["clone3"] = func(*initscript.Self, []any) (any, error) {
		arguments := [11]uint64{unix.CLONE_NEWUSER, 4: uint64(unix.SIGCHLD)}
		pointer := uintptr(unsafe.Pointer(&arguments))
		return callRaw([7]uintptr{unix.SYS_CLONE3, pointer, unsafe.Sizeof(arguments)})
	}
	actortest.Probes["threads"] = func(*initscript.Self, []any) (any, error) {
		cthreads.Start(5)()
		done := make(chan bool)
		for range 20 {
			go func() {
				runtime.LockOSThread() // each has a thread, which ends with it
				done <- true
			}()
		}
		for range 20 {
			<-done
		}
		return "made", nil
	}
	actortest.Probes["execute"] = func(*initscript.Self, []any) (any, error) {
		pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "exit 7"}, nil)
		if err != nil {
			return nil, err
		}
		var status syscall.WaitStatus
		_, err = syscall.Wait4(pid, &status, 0, nil)
		return status.ExitStatus(), err
	}
}

// callRaw makes a system call, which may be one that makes a process; that ends at once.
func callRaw(words [7]uintptr) (any, error) {
	w := words
	result, _, errno := unix.RawSyscall6(w[0], w[1], w[2], w[3], w[4], w[5], w[6])
	if isProcess := words[0] == unix.SYS_CLONE || words[0] == unix.SYS_CLONE3; isProcess && errno == 0 {
		for result == 0 {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
		var status unix.WaitStatus
		unix.Wait4(int(result), &status, 0, nil)
	}
	if errno != 0 {
		return unix.ErrnoName(errno), nil
	}
	return "ok", nil
}

// underPolicy starts an actor whose system calls the policy decides about.
func underPolicy(t *testing.T, text string) *initscript.Actor {
	t.Helper()
	config := initscript.Actor{Entry: "probe", Script: testkit.Install(testkit.CompilePolicy(text))}
	return actortest.Spawn(t, config)
}

// allGroups are the groups and what an actor tries in vain, as in examples/thumbnail.
func allGroups(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../examples/thumbnail/policy.yaml")
	testkit.Must(t, err)
	return string(text)
}

// question is the call and its arguments.
func question(words ...int64) []any {
	message := []any{"call"}
	for _, word := range words {
		message = append(message, word)
	}
	return message
}

var namespaceFlags = map[string]int64{
	"CLONE_NEWNS": unix.CLONE_NEWNS, "CLONE_NEWCGROUP": unix.CLONE_NEWCGROUP,
	"CLONE_NEWUTS": unix.CLONE_NEWUTS, "CLONE_NEWIPC": unix.CLONE_NEWIPC,
	"CLONE_NEWUSER": unix.CLONE_NEWUSER, "CLONE_NEWPID": unix.CLONE_NEWPID,
	"CLONE_NEWNET": unix.CLONE_NEWNET,
}

// What the groups let through of a system call is what they are for: no namespaces, and nothing that
// concerns other processes.
func TestGroupsGrantNoMore(t *testing.T) {
	const sigchld = int64(unix.SIGCHLD)
	refused := map[string][]any{
		"unshare":               question(unix.SYS_UNSHARE, unix.CLONE_NEWUSER),
		"unshare CLONE_NEWTIME": question(unix.SYS_UNSHARE, unix.CLONE_NEWTIME),
		"setns":                 question(unix.SYS_SETNS, 0, unix.CLONE_NEWUSER),
		"ptrace":                question(unix.SYS_PTRACE, unix.PTRACE_TRACEME),
		"personality":           question(unix.SYS_PERSONALITY, 0xffffffff),
		"ioctl":                 question(unix.SYS_IOCTL, 0, unix.TIOCSTI),
		"seccomp":               question(unix.SYS_SECCOMP, 0),
		"PR_SET_PTRACER":        question(unix.SYS_PRCTL, unix.PR_SET_PTRACER, 1),
		"PR_SET_DUMPABLE":       question(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 2),
		"PR_SET_PDEATHSIG":      question(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, 0),
		"another's limit":       question(unix.SYS_PRLIMIT64, 1, unix.RLIMIT_CORE),
		"high bits of a pid":    question(unix.SYS_PRLIMIT64, 1<<32|1, unix.RLIMIT_CORE),
	}
	for name, flag := range namespaceFlags {
		refused[name] = question(unix.SYS_CLONE, flag|sigchld)
		more := 1<<32 | flag | unix.CLONE_NEWUSER | unix.CLONE_FS | sigchld
		refused[name+" and more"] = question(unix.SYS_CLONE, more)
	}
	for name, question := range refused {
		t.Run(name, func(t *testing.T) {
			actor := underPolicy(t, allGroups(t))
			testkit.Must(t, actor.Send(actortest.Context(t), question))
			answer, err := actor.Receive(actortest.Context(t))
			if err == nil {
				t.Fatalf("the actor lives, and says %v", answer)
			}
			var exit *initscript.ExitError
			if err := actor.Wait(); !errors.As(err, &exit) || exit.Signal() != unix.SIGSYS {
				t.Errorf("the actor's end: %v, want SIGSYS", err)
			}
		})
	}
	t.Run("clone3", func(t *testing.T) {
		actor := underPolicy(t, allGroups(t))
		if answer := actortest.Ask(t, actor, "clone3"); answer != "ENOSYS" {
			t.Errorf("%v, want ENOSYS, so that libc uses clone", answer)
		}
		actortest.Finish(t, actor)
	})
}

// loader is what a program needs beside the groups.
const loader = `
- names: [access, faccessat, faccessat2, openat, newfstatat, pread64, arch_prctl, set_tid_address,
    getuid, geteuid, getgid, getegid, getppid, readlink, readlinkat, uname, sysinfo, statx, ioctl, lseek]
  action: allow
  optional: true
`

// With the groups threads are made, by Go and by libc, and processes, which execute programs.
func TestGroupsAreEnough(t *testing.T) {
	for name, policy := range map[string]string{
		"thumbnail": allGroups(t),
		"errno": "default_action: {errno: EDOM}\nrules:" + loader +
			"- {names: ['@launcher', '@init', '@go-runtime'], action: allow}",
		"without the loader": "default_action: {errno: EDOM}\nrules:\n" +
			"- {names: ['@launcher', '@init', '@go-runtime'], action: allow}",
	} {
		t.Run(name, func(t *testing.T) {
			actor := underPolicy(t, policy)
			if answer := actortest.Ask(t, actor, "threads"); answer != "made" {
				t.Errorf("threads: %v", answer)
			}
			actortest.Ask(t, actor, "collect")
			if answer := actortest.Ask(t, actor,
				question(unix.SYS_CLONE, int64(unix.SIGCHLD))...); answer != "ok" {
				t.Errorf("clone: %v", answer)
			}
			if strings.Contains(policy, loader) {
				if answer := actortest.Ask(t, actor, "execute"); answer != int64(7) {
					t.Errorf("execute: %v", answer)
				}
			}
			actortest.Finish(t, actor)
		})
	}
}

// What is written in a policy is what it says: a name beside a group, or before it, is a system
// call as a whole; and a group that is refused is refused as a whole.
func TestNamesBesideGroups(t *testing.T) {
	const (
		groups = "default_action: {errno: EDOM}\nrules:\n" +
			"- {names: ['@launcher', '@init', '@go-runtime'%s], action: allow}%s"
		newUser = unix.CLONE_NEWUSER | int64(unix.SIGCHLD)
	)
	for _, test := range []struct{ name, beside, after, clone, clone3 string }{
		{"groups alone", "", "", "EDOM", "ENOSYS"},
		{"in the same rule", ", clone, clone3", "", "ok", "ok"},
		{"clone in a rule after it", "", "\n- {names: [clone], action: {errno: EXDEV}}", "EXDEV",
			"ENOSYS"},
		{"allowed after it", "", "\n- {names: [clone], action: allow}", "ok", "ENOSYS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.clone == "ok" {
				testkit.RequireUserNamespaces(t)
			}
			policy := strings.Replace(strings.Replace(groups, "%s", test.beside, 1), "%s", test.after, 1)
			actor := underPolicy(t, policy)
			if answer := actortest.Ask(t, actor,
				question(unix.SYS_CLONE, newUser)...); answer != test.clone {
				t.Errorf("clone: %v, want %s", answer, test.clone)
			}
			if answer := actortest.Ask(t, actor, "clone3"); answer != test.clone3 {
				t.Errorf("clone3: %v, want %s", answer, test.clone3)
			}
			actortest.Finish(t, actor)
		})
	}
	t.Run("a group that is refused", func(t *testing.T) {
		policy := "default_action: allow\nrules:\n- {names: [exit_group], action: allow}\n- {names: " +
			"['@init'], action: {errno: EXDEV}}"
		script := testkit.Lua("system_calls") + testkit.Install(testkit.CompilePolicy(policy)) +
			fmt.Sprintf(
				`R(call(%d, 0x10000011)) R(call(%d, 4, 1))`, unix.SYS_CLONE, unix.SYS_PRCTL)
		row := testkit.ScriptCase{Script: script, Sent: []string{"18", "18"}}
		row.Run(t)
	})
}
