//go:build unix && (!linux || mips || mipsle || mips64 || mips64le || ppc64 || ppc64le || sparc64)

package seccomp

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// linuxErrno returns the number that Linux has, on the architectures that policies are compiled for, for
// what has a name here.
func linuxErrno(errno syscall.Errno) (number uint64, known bool) {
	return translated(errno, unix.ErrnoName)
}
