//go:build !race && !asan

package main

import (
	"maps"
	"testing"
)

// What strace writes where a thread works before the call that made it has returned, and where
// calls are cut in two.
func TestCountCalls(t *testing.T) {
	const trace = `100 execve("./host", ["./host"], 0x7ffe) = 0
100 clone3({flags=CLONE_VM|CLONE_THREAD|CLONE_SETTLS, stack=0x7f}, 88 <unfinished ...>
101 openat(AT_FDCWD, "/x", O_RDONLY) = 3
101 futex(0x1, FUTEX_WAIT_PRIVATE, 0, NULL <unfinished ...>
100 <... clone3 resumed> => {parent_tid=[0]}, 88) = 101
101 <... futex resumed>) = 0
101 clone(child_stack=NULL, flags=CLONE_VM|CLONE_VFORK|SIGCHLD <unfinished ...>
102 close(3) = 0
102 execveat(7, "", ["initscript-server"], 0xc0 /* 2 vars */, AT_EMPTY_PATH <unfinished ...>
101 <... clone resumed>) = 102
102 <... execveat resumed>) = 0
102 poll([{fd=3, events=POLLIN}], 2, -1) = 1
102 clone(child_stack=NULL, flags=CLONE_NEWPID|SIGCHLD) = 103
103 prctl(PR_SET_PDEATHSIG, SIGKILL) = 0
103 execve("/bin/true", ["/bin/true"], 0x5) = 0
103 brk(NULL) = 0x5
103 exit_group(0) = ?
103 +++ exited with 0 +++
102 --- SIGCHLD {si_signo=SIGCHLD} ---
102 wait4(-1, [{WIFEXITED(s)}], WNOHANG, {}) = 103
`
	want := map[string]int{
		"host":    2, // execve, openat; the rest is the runtime's
		"child":   4, // close, execveat of what becomes the server; prctl, execve
		"server":  3,
		"program": 2,
	}
	if got := countCalls(trace); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
