//go:build (linux || freebsd) && cgo

package initscript

import "golang.org/x/sys/unix"

// sendFlags are those of every message on a SEQPACKET socket.
const sendFlags = unix.MSG_NOSIGNAL

// scmPidfd is the type of control data with a pidfd of the sender: SCM_PIDFD of Linux 6.5.
const scmPidfd = unix.SCM_PIDFD
