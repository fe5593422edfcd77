//go:build cgo

package initscript

import (
	"os"

	"golang.org/x/sys/unix"
)

// canPoll tells whether the poller can safely have the file: if it is a socket, a pipe or a FIFO.
// AT_STATX_DONT_SYNC keeps FUSE and network file systems from being asked.
func canPoll(fd int) bool {
	var status unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE, &status)
	if err != nil {
		return false
	}
	format := status.Mode & unix.S_IFMT
	return format == unix.S_IFSOCK || format == unix.S_IFIFO
}

// unpolledFile makes a file that the poller never sees. os.NewFile gives it every file that is
// O_NONBLOCK, which is the peer's choice at any time, and epoll_ctl(2) then calls the poll
// operation of the file with the lock of the one epoll instance of this process: a FUSE server that
// does not answer would stop all network traffic here. So the file is made of another descriptor,
// which the real one then replaces.
func unpolledFile(fd int) (*os.File, error) {
	number, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	file := os.NewFile(uintptr(number), receivedFileName)
	if err := unix.Dup3(fd, number, unix.O_CLOEXEC); err != nil {
		file.Close()
		return nil, os.NewSyscallError("dup3", err)
	}
	unix.Close(fd)
	return file, nil
}
