//go:build cgo

package initscript

import (
	"syscall"

	"golang.org/x/sys/unix"
)

const signalProcessName = "pdkill"

// signalProcess sends a signal through a process descriptor, see pdfork(2).
func signalProcess(descriptor int, signal syscall.Signal) error {
	_, _, errno := unix.Syscall(unix.SYS_PDKILL, uintptr(descriptor), uintptr(signal), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// canSignalChildren tells whether the kernel has what Process.Signal needs: it has since FreeBSD 9.
func canSignalChildren() error { return nil }

// isProcessDescriptor returns nil for what others can use as the descriptor of a process.
func isProcessDescriptor(descriptor int) error { return nil }

// waitForProcess blocks until the process has ended, whoever its parent is.
func waitForProcess(descriptor int) {
	poll := []unix.PollFd{{Fd: int32(descriptor)}} // POLLHUP, which is always told
	for {
		if _, err := unix.Poll(poll, -1); err != unix.EINTR {
			return
		}
	}
}
