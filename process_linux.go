//go:build cgo

package initscript

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const signalProcessName = "pidfd_send_signal"

func signalProcess(pidfd int, signal syscall.Signal) error {
	return unix.PidfdSendSignal(pidfd, signal, nil, 0)
}

// canSignalChildren tells whether the kernel has what Process.Signal needs.
func canSignalChildren() error {
	if err := unix.PidfdSendSignal(-1, 0, nil, 0); err == unix.ENOSYS {
		return fmt.Errorf("%w: without it no child can be signalled safely; it needs Linux 5.1, and no seccomp filter that hides it",
			os.NewSyscallError("pidfd_send_signal", err))
	}
	return nil
}

// isProcessDescriptor returns nil for what others can use as the descriptor of a process.
func isProcessDescriptor(pidfd int) error {
	if isProcDirectory(pidfd) {
		return os.NewSyscallError("pidfd_open", unix.ENOSYS)
	}
	return nil
}

// waitForProcess blocks until the process has ended, whoever its parent is.
func waitForProcess(pidfd int) {
	if isProcDirectory(pidfd) {
		waitForProcDirectory(pidfd)
		return
	}
	poll := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(poll, -1); err != unix.EINTR {
			return
		}
	}
}
