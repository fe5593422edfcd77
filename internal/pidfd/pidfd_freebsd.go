// Package pidfd signals and waits for processes through descriptors; its account is in pidfd_linux.go.
package pidfd

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// SignalName is the system call of [Signal].
const SignalName = "pdkill"

// Signal sends a signal, see pdfork(2). The error is an errno.
func Signal(descriptor int, signal syscall.Signal) error {
	_, _, errno := unix.Syscall(unix.SYS_PDKILL, uintptr(descriptor), uintptr(signal), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// CanSignal returns nil if the kernel has what [Signal] needs: it has since FreeBSD 9.
func CanSignal() error { return nil }

// Check returns nil for what others can use as the descriptor of a process.
func Check(descriptor int) error { return nil }

// Wait blocks until the process has ended, whoever its parent is.
func Wait(descriptor int) {
	poll := []unix.PollFd{{Fd: int32(descriptor)}} // POLLHUP, which is always told
	for {
		if _, err := unix.Poll(poll, -1); err != unix.EINTR {
			return
		}
	}
}
