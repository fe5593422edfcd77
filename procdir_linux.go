//go:build (linux || freebsd) && cgo

package initscript

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Where the kernel has no pidfd_open the server sends the directory of a child in /proc instead of
// a pidfd. Signals go through it just as safely. What it cannot do is tell poll(2) of the end.

// openProcDirectory opens the directory of a process in /proc, which may be mounted for another PID
// namespace than ours and then numbers the process otherwise: its pidfd tells how.
func (p *Process) openProcDirectory() (int, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.pidfd < 0 {
		return -1, os.ErrProcessDone
	}
	var buffer [1024]byte
	info, err := readProcFile(fmt.Sprintf("/proc/self/fdinfo/%d", p.pidfd), buffer[:])
	if err != nil {
		return -1, err
	}
	_, number, isPidfd := strings.Cut(string(info), "\nPid:\t")
	if !isPidfd { // it is the directory
		return unix.FcntlInt(uintptr(p.pidfd), unix.F_DUPFD_CLOEXEC, 0)
	}
	number, _, _ = strings.Cut(number, "\n") // -1: it has ended; 0: it cannot be seen
	return unix.Open("/proc/"+number, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}

func isProcDirectory(fd int) bool {
	var stat unix.Stat_t
	return unix.Fstat(fd, &stat) == nil && stat.Mode&unix.S_IFMT == unix.S_IFDIR
}

// waitForProcDirectory blocks until the process has ended. It has been killed: this is not long.
func waitForProcDirectory(fd int) {
	for !hasEnded(fd) {
		time.Sleep(time.Millisecond)
	}
}

// hasEnded reads the state after the name, which may contain anything: see proc_pid_stat(5).
func hasEnded(fd int) bool {
	stat, err := unix.Openat(fd, "stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return true // ENOENT: it has been waited for, too; or it cannot be seen
	}
	defer unix.Close(stat)
	buffer := make([]byte, 4096)
	n, err := unix.Read(stat, buffer)
	if err != nil {
		return err == unix.ESRCH
	}
	state := bytes.TrimLeft(buffer[bytes.LastIndexByte(buffer[:n], ')')+1:n], " ")
	return len(state) > 0 && (state[0] == 'Z' || state[0] == 'X')
}
