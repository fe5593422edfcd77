// Package pidfd signals and waits for processes through descriptors, which never lead to another
// process: pidfds of Linux, or directories in /proc where the kernel has none, and process descriptors
// of FreeBSD.
package pidfd

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/go-initscript/initscript/internal/procfs"
	"golang.org/x/sys/unix"
)

// SignalName is the system call of [Signal].
const SignalName = "pidfd_send_signal"

// Signal sends a signal. The error is an errno.
func Signal(pidfd int, signal syscall.Signal) error {
	return unix.PidfdSendSignal(pidfd, signal, nil, 0)
}

// CanSignal returns nil if the kernel has what [Signal] needs.
func CanSignal() error {
	if err := unix.PidfdSendSignal(-1, 0, nil, 0); err == unix.ENOSYS {
		return fmt.Errorf("%w: without it no child can be signalled safely; it needs Linux 5.1, "+
			"and no seccomp filter that hides it",
			os.NewSyscallError("pidfd_send_signal", err))
	}
	return nil
}

// Check returns nil for what others can use as the descriptor of a process.
func Check(pidfd int) error {
	if isDirectory(pidfd) {
		return os.NewSyscallError("pidfd_open", unix.ENOSYS)
	}
	return nil
}

// Wait blocks until the process has ended, whoever its parent is.
func Wait(pidfd int) {
	if isDirectory(pidfd) {
		for !procfs.HasEnded(pidfd) { // it has been killed: this is not long
			time.Sleep(time.Millisecond)
		}
		return
	}
	poll := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(poll, -1); err != unix.EINTR {
			return
		}
	}
}
