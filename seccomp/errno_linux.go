//go:build !(mips || mipsle || mips64 || mips64le || ppc64 || ppc64le || sparc64)

package seccomp

import "syscall"

// linuxErrno returns Linux's number, which this is. Some have no name.
func linuxErrno(errno syscall.Errno) (number uint64, known bool) { return uint64(errno), true }
