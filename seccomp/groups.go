package seccomp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// groups are names that stand for several system calls. Those that an architecture does not have are
// left out.
var groups = [...]struct {
	name    string
	members []string
}{
	// From the installation of the filter to the program's execve, or to the Go runtime.
	{"@launcher", []string{
		"brk", "close", "close_range", "dup3", "execve", "exit_group", "getrandom", "madvise", "mmap",
		"mmap2", "munmap", "sendto",
	}},
	// PID 1 of a PID namespace, beside @launcher.
	{"@init", []string{
		"clone", "exit_group", "fcntl", "fcntl64", "getpgid", "getpgrp", "kill", "pipe2", "prctl",
		"read", "rt_sigprocmask", "rt_sigtimedwait", "set_robust_list", "wait4",
	}},
	// What the runtime of a Go actor needs to boot, to idle, to collect garbage, to use channels and to
	// end. Beside @launcher.
	{"@go-runtime", []string{
		"clock_gettime", "clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64", "clone",
		"clone3", "close", "epoll_create1", "epoll_ctl", "epoll_pwait", "eventfd2", "exit", "exit_group",
		"fcntl", "fcntl64", "fstat", "futex", "futex_time64", "getpid", "getsockopt", "gettid",
		"madvise", "mmap", "mmap2", "mprotect", "munmap", "nanosleep", "prctl", "prlimit64", "read",
		"recvmsg", "restart_syscall", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
		"sched_getaffinity", "sched_yield", "sendmsg", "set_robust_list", "shutdown", "sigaltstack",
		"tgkill", "wait4", "write",
	}},
}

// membersOf returns what the group stands for.
func membersOf(group string) (members []string, known bool) {
	for _, row := range groups {
		if row.name == group {
			return row.members, true
		}
	}
	return nil, false
}

// cloneNamespaces are the flags of clone(2) that make namespaces: a new user namespace gives access to
// much of the kernel that only root can reach otherwise. CLONE_NEWTIME is not among them, since its bit
// is one of the exit signal's in clone(2). The flags are the first argument on all of
// [architectures]; on s390x they are the second.
const cloneNamespaces = cloneNewNS | cloneNewCgroup | cloneNewUTS | cloneNewIPC |
	cloneNewUser | cloneNewPID | cloneNewNet

// limitedTo says how much of a system call a group lets through: what meets one of the lists.
func limitedTo(name string) [][]Condition {
	switch name {
	case "clone":
		return [][]Condition{{{Arg: 0, Width: 32, Mask: cloneNamespaces, Op: Equal, Value: 0}}}
	case "prctl":
		// PID 1 becomes undumpable; the Go runtime names its memory; libcap in a static program asks, as
		// that boots, which capabilities the kernel has. No other option, among them those that would
		// let a process outlive its host, be traced, or have processor bugs back.
		return [][]Condition{
			{isOption(prCapbsetRead)},
			{isOption(prGetDumpable)},
			{isOption(prSetDumpable), {Arg: 1, Width: 64, Op: Equal, Value: 0}},
			{isOption(prSetDumpable), {Arg: 1, Width: 64, Op: Equal, Value: 1}}, // an actor again
			{isOption(prSetName)},
			{isOption(prSetPdeathsig), {Arg: 1, Width: 64, Op: Equal, Value: sigkill}},
			{isOption(prSetVMA)},
		}
	case "prlimit64": // the limits of the caller, not those of other processes of its user
		return [][]Condition{{{Arg: 0, Width: 32, Op: Equal, Value: 0}}}
	}
	return [][]Condition{nil}
}

func isOption(option uint64) Condition {
	return Condition{Arg: 0, Width: 32, Op: Equal, Value: option}
}

// ruledCall has the decision of a rule about a system call, on any architecture.
type ruledCall struct {
	name   string
	args   []Condition
	action Action
}

func isGroup(name string) bool { return strings.HasPrefix(name, "@") }

// letsThrough reports whether the kernel executes the system call and nobody else is asked.
func (a Action) letsThrough() bool { return a == Allow || a == Log }

// calls returns what the name i of the rule stands for. A group is limited only where the rule lets it
// through: one that is refused, or left to somebody else's decision, is so as a whole.
func (r *Rule) calls(i int) ([]ruledCall, error) {
	name := r.Names[i]
	if !isGroup(name) {
		return []ruledCall{{name, r.Args, r.Action}}, nil
	}
	members, known := membersOf(name)
	if !known {
		var names []string
		for _, group := range groups {
			names = append(names, group.name)
		}
		slices.Sort(names)
		return nil, r.nameError(i, fmt.Errorf("no such group (known: %q)", names))
	}
	var calls []ruledCall
	for _, name := range members {
		action, conditions := r.Action, [][]Condition{nil}
		if r.Action.letsThrough() {
			conditions = limitedTo(name)
			if name == "clone3" {
				// Its flags are behind a pointer, where a filter cannot see them. Without it the C
				// library uses clone.
				action = actionSet | retErrno | enosys
			}
		}
		for _, args := range conditions {
			calls = append(calls, ruledCall{name, slices.Concat(r.Args, args), action})
		}
	}
	return calls, nil
}

// nameError is an error about the name i of the rule.
func (r *Rule) nameError(i int, err error) error {
	line := r.line
	if i < len(r.nameLines) {
		line = r.nameLines[i]
	}
	return &Error{line, r.Names[i], err}
}

var errNoSuchCall = errors.New("no architecture has a system call of this name")
