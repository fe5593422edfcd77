//go:build unix

package errtext

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Symbol returns the name that manual pages use for an errno, or "".
func Symbol(errno syscall.Errno) string { return unix.ErrnoName(errno) }
