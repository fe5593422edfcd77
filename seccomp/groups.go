//go:build linux

package seccomp

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// groups are names that stand for several system calls. Those that an architecture does not
// have are left out.
var groups = map[string][]string{
	// From the installation of the filter to the program's execve, or to the Go runtime.
	"@launcher": {
		"brk", "close", "close_range", "dup3", "execve", "exit_group", "getrandom", "madvise", "mmap", "mmap2",
		"munmap", "sendto",
	},
	// PID 1 of a PID namespace, beside @launcher.
	"@init": {
		"clone", "exit_group", "getpgid", "getpgrp", "kill", "pipe2", "prctl", "read", "rt_sigprocmask",
		"rt_sigtimedwait", "set_robust_list", "wait4",
	},
	// What the runtime of a Go actor needs to boot, to idle, to collect garbage, to use channels and to
	// end. Beside @launcher.
	"@go-runtime": {
		"clock_gettime", "clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64", "clone", "clone3",
		"close", "epoll_create1", "epoll_ctl", "epoll_pwait", "eventfd2", "exit", "exit_group", "fcntl",
		"fcntl64", "fstat", "futex", "futex_time64", "getpid", "getsockopt",
		"gettid", "madvise", "mmap", "mmap2", "mprotect", "munmap", "nanosleep", "prctl", "prlimit64", "read",
		"recvmsg", "restart_syscall", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
		"sched_getaffinity", "sched_yield", "sendmsg", "set_robust_list", "sigaltstack", "tgkill", "write",
	},
}

// cloneNamespaces are the flags of clone(2) that make namespaces: a new user namespace gives access to
// much of the kernel that only root can reach otherwise. CLONE_NEWTIME is not among them, since its bit
// is one of the exit signal's in clone(2). The flags are the first argument on all of [archs]; on
// s390x they are the second.
const cloneNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// groupConditions say how much of a system call a group lets through: what meets one of the lists.
var groupConditions = map[string][][]Condition{
	"clone": {{{Arg: 0, Width: 32, Mask: cloneNamespaces, Op: Equal, Value: 0}}},
	// PID 1 becomes undumpable; the Go runtime names its memory. No other option, among them those that
	// would let a process outlive its host, be traced, or have processor bugs back.
	"prctl": {
		{isOption(unix.PR_GET_DUMPABLE)},
		{isOption(unix.PR_SET_DUMPABLE), {Arg: 1, Width: 64, Op: Equal, Value: 0}},
		{isOption(unix.PR_SET_NAME)},
		{isOption(unix.PR_SET_PDEATHSIG), {Arg: 1, Width: 64, Op: Equal, Value: sigkill}},
		{isOption(unix.PR_SET_VMA)},
	},
	// The limits of the caller, not those of other processes of its user.
	"prlimit64": {{{Arg: 0, Width: 32, Op: Equal, Value: 0}}},
}

const sigkill = 9 // as a value of a condition

func isOption(option uint64) Condition {
	return Condition{Arg: 0, Width: 32, Op: Equal, Value: option}
}

// groupActions are for system calls of which a filter cannot see what they would do. The flags of clone3
// are behind a pointer; without it the C library uses clone.
var groupActions = map[string]Action{"clone3": Errno(unix.ENOSYS)}

// ruledCall is what a rule says about a system call, on any architecture.
type ruledCall struct {
	name   string
	args   []Condition
	action Action
}

func isGroup(name string) bool { return strings.HasPrefix(name, "@") }

// letsThrough tells whether the kernel executes the system call and nobody else is asked.
func (a Action) letsThrough() bool { return a == Allow || a == Log }

// calls returns what the name i of the rule stands for. A group is limited only where the rule lets it
// through: one that is refused, or left to somebody else's decision, is so as a whole.
func (r *Rule) calls(i int) ([]ruledCall, error) {
	name := r.Names[i]
	if !isGroup(name) {
		return []ruledCall{{name, r.Args, r.Action}}, nil
	}
	group, known := groups[name]
	if !known {
		names := slices.Sorted(maps.Keys(groups))
		return nil, r.nameError(i, fmt.Errorf("no such group (known: %q)", names))
	}
	var calls []ruledCall
	for _, name := range group {
		action, conditions := r.Action, [][]Condition{nil}
		if r.Action.letsThrough() {
			if limited := groupConditions[name]; limited != nil {
				conditions = limited
			}
			if instead, is := groupActions[name]; is {
				action = instead
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
