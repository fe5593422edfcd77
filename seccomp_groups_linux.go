//go:build (linux || freebsd) && cgo

package initscript

import (
	"fmt"
	"maps"
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// seccompGroups are names that stand for several system calls. Those that an architecture does not
// have are left out.
var seccompGroups = map[string][]string{
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
		"clock_gettime", "clock_nanosleep", "clone", "clone3", "close", "epoll_create1", "epoll_ctl",
		"epoll_pwait", "eventfd2", "exit", "exit_group", "fcntl", "fcntl64", "fstat", "futex", "getpid", "getsockopt",
		"gettid", "madvise", "mmap", "mmap2", "mprotect", "munmap", "nanosleep", "prctl", "prlimit64", "read",
		"recvmsg", "restart_syscall", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
		"sched_getaffinity", "sched_yield", "sendmsg", "set_robust_list", "shutdown", "sigaltstack", "tgkill",
		"wait4", "write",
	},
}

// expand returns the numbers behind a name of a rule.
func (r *SeccompRule) expand(name string, info *arch.Info, goarch string) ([]uint32, error) {
	if name[:min(1, len(name))] != "@" {
		if number, known := info.SyscallNames[name]; known {
			return []uint32{uint32(number)}, nil
		}
		if r.Optional {
			return nil, nil
		}
		return nil, &SeccompError{r.line, name, fmt.Errorf("not known on %s", goarch)}
	}
	group, known := seccompGroups[name]
	if !known {
		return nil, &SeccompError{r.line, name, fmt.Errorf("no such group (known: %q)", slices.Sorted(maps.Keys(seccompGroups)))}
	}
	var numbers []uint32
	for _, name := range group {
		if number, known := info.SyscallNames[name]; known {
			numbers = append(numbers, uint32(number))
		}
	}
	return numbers, nil
}
