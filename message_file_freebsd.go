//go:build cgo

package initscript

import (
	"os"

	"golang.org/x/sys/unix"
)

// canPoll tells whether the poller can safely have the file: if it is a socket, a pipe or a FIFO.
// These have no position, which the kernel says without asking any file system.
func canPoll(fd int) bool {
	_, err := unix.Seek(fd, 0, os.SEEK_CUR)
	return err == unix.ESPIPE
}

// unpolledFile makes a file that the poller never sees. os.NewFile gives it every file that is
// O_NONBLOCK, which is the peer's choice at any time. So the file is made of another descriptor,
// which the real one then replaces.
func unpolledFile(fd int) (*os.File, error) {
	number, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("open", err)
	}
	file := os.NewFile(uintptr(number), receivedFileName)
	if err := unix.Dup3(fd, number, unix.O_CLOEXEC); err != nil {
		file.Close()
		return nil, os.NewSyscallError("dup3", err)
	}
	unix.Close(fd)
	return file, nil
}
