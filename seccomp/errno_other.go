//go:build !unix

package seccomp

import "syscall"

// linuxErrno returns the number that Linux has for what has a name on all systems.
func linuxErrno(errno syscall.Errno) (number uint64, known bool) {
	return translated(errno, commonName)
}
