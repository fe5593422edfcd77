//go:build cgo

package seqpacket

import (
	"os"

	"golang.org/x/sys/unix"
)

// SendFlags are those of every message on a SEQPACKET socket; see csrc/system_freebsd.h.
const SendFlags = unix.MSG_NOSIGNAL | unix.MSG_EOR

// scmPidfd is no type: no message carries a process descriptor that was not sent.
const scmPidfd = -1

// socketBuffer holds the largest message: the default of SEQPACKET sockets is 8 KiB.
const socketBuffer = 256 << 10

// Pair returns two connected sockets, close-on-exec, with more flags of socketpair(2).
func Pair(flags int) ([2]int, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|flags, 0)
	if err != nil {
		return pair, err
	}
	for _, fd := range pair {
		for _, option := range []int{unix.SO_SNDBUF, unix.SO_RCVBUF} {
			if err == nil {
				err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, socketBuffer)
			}
		}
	}
	if err != nil {
		unix.Close(pair[0])
		unix.Close(pair[1])
		return pair, os.NewSyscallError("setsockopt", err)
	}
	return pair, nil
}
