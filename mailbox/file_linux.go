//go:build cgo

package mailbox

import (
	"os"

	"golang.org/x/sys/unix"
)

// canPoll reports whether the poller can safely have the file: if it is a socket, a pipe or a FIFO.
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

// reserveFile makes a file that the poller never sees, whose descriptor a received one is to replace.
// os.NewFile gives the poller every file that is O_NONBLOCK, which is the peer's choice at any time, and
// epoll_ctl(2) then calls the poll operation of the file with the lock of the one epoll instance of
// this process: a FUSE server that does not answer would stop all network traffic here.
func reserveFile() (*os.File, error) {
	number, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	return os.NewFile(uintptr(number), receivedFileName), nil
}
