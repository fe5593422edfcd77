//go:build (linux || freebsd) && cgo

package initscript

import "golang.org/x/sys/unix"

// sendFlags are those of every message on a SEQPACKET socket.
const sendFlags = unix.MSG_NOSIGNAL
