//go:build linux

package testkit

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// ServersOf returns the fork servers of a process.
func ServersOf(t *testing.T, pid int) []int {
	t.Helper()
	var servers []int
	statuses, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, path := range statuses {
		status, err := os.ReadFile(path)
		if err != nil {
			continue // ended since
		}
		name := StatusField(string(status), "Name")
		parent := StatusField(string(status), "PPid")
		state := StatusField(string(status), "State")
		if name == "initscript" && parent == strconv.Itoa(pid) && !strings.HasPrefix(state, "Z") {
			server, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			servers = append(servers, server)
		}
	}
	return servers
}

// KillAndAwait kills a process that is not ours to wait for.
func KillAndAwait(t *testing.T, pid int) {
	t.Helper()
	pidfd := OpenPidfd(t, pid)
	if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil {
		t.Fatalf("kill %d: %v", pid, err)
	}
	AwaitDeath(t, pidfd)
}

// OpenPidfd returns a descriptor of the process, which the test closes.
func OpenPidfd(t *testing.T, pid int) int {
	t.Helper()
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatalf("pidfd_open %d: %v", pid, err)
	}
	t.Cleanup(func() { unix.Close(pidfd) })
	return pidfd
}

// AwaitDeath waits until the process has ended.
func AwaitDeath(t *testing.T, pidfd int) {
	t.Helper()
	poll := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(poll, int(Timeout.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			t.Fatalf("the process is still alive (poll: %d, %v)", n, err)
		}
		return
	}
}

// awaitAnyDeath waits until one of the processes has ended; false if none does.
func awaitAnyDeath(t *testing.T, pids []int) bool {
	t.Helper()
	poll := make([]unix.PollFd, 0, len(pids))
	for _, pid := range pids {
		pidfd, err := unix.PidfdOpen(pid, 0)
		if err == unix.ESRCH {
			return true
		}
		Must(t, err)
		defer unix.Close(pidfd)
		poll = append(poll, unix.PollFd{Fd: int32(pidfd), Events: unix.POLLIN})
	}
	n, err := unix.Poll(poll, int(Timeout.Milliseconds()))
	return n > 0 || err == unix.EINTR
}

// TheServer returns the one fork server of this process, after a start.
func TheServer(t *testing.T) int {
	t.Helper()
	if err := Command(t, "").Run(); err != nil {
		t.Fatalf("run: %v", err)
	}
	servers := ServersOf(t, os.Getpid())
	for len(servers) > 1 && awaitAnyDeath(t, servers) { // of those that have been replaced
		servers = ServersOf(t, os.Getpid())
	}
	if len(servers) != 1 {
		t.Fatalf("fork servers: %v, want exactly one", servers)
	}
	return servers[0]
}
