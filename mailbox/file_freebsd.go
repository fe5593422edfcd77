//go:build cgo

package mailbox

import (
	"os"

	"golang.org/x/sys/unix"
)

// canPoll reports whether the poller can safely have the file: if it is a socket, a pipe or a FIFO.
// These have no position, which the kernel says without asking any file system.
func canPoll(fd int) bool {
	_, err := unix.Seek(fd, 0, os.SEEK_CUR)
	return err == unix.ESPIPE
}

// reserveFile makes a file that the poller never sees, whose descriptor a received one is to replace.
// os.NewFile gives the poller every file that is O_NONBLOCK, which is the peer's choice at any time.
func reserveFile() (*os.File, error) {
	number, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("open", err)
	}
	return os.NewFile(uintptr(number), receivedFileName), nil
}
