//go:build (linux || freebsd) && cgo

package initscript

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// errnoSymbol returns the name that man pages use, or "".
func errnoSymbol(errno syscall.Errno) string { return unix.ErrnoName(errno) }
