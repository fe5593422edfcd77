//go:build cgo

package initscript

import "golang.org/x/sys/unix"

// sendFlags are those of every message on a SEQPACKET socket; see csrc/util_types_freebsd.h.
const sendFlags = unix.MSG_NOSIGNAL | unix.MSG_EOR

// scmPidfd is no type: no message carries a process descriptor that was not sent.
const scmPidfd = -1
