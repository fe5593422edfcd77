//go:build cgo

package seqpacket

import "golang.org/x/sys/unix"

// SendFlags are those of every message on a SEQPACKET socket.
const SendFlags = unix.MSG_NOSIGNAL

// scmPidfd is the type of control data with a pidfd of the sender: SCM_PIDFD of Linux 6.5.
const scmPidfd = unix.SCM_PIDFD

// Pair returns two connected sockets, close-on-exec, with more flags of socketpair(2).
func Pair(flags int) ([2]int, error) {
	return unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|flags, 0)
}
