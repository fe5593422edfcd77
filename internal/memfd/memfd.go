//go:build (linux || freebsd) && cgo

// Package memfd makes files in memory that are sealed; see memfd_create(2) and fcntl(2).
package memfd

import (
	"os"

	"golang.org/x/sys/unix"
)

// FixedSeals are those that forbid any change of a file's content and length.
const FixedSeals = SealShrink | SealGrow | SealWrite

// NoExecSeal is a modern flag of [Create]: nobody can ever execute the file. MFD_NOEXEC_SEAL of Linux.
const NoExecSeal = 0x8

// Sealed returns a new memfd, close-on-exec, with a content that nobody can change any more. Nobody can
// execute it either, where the kernel knows how to forbid that. The error is an *os.SyscallError.
func Sealed(name string, content []byte) (int, error) {
	fd, err := Create(name, 0, NoExecSeal)
	if err != nil {
		return -1, err
	}
	if err := writeAndSeal(fd, content); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func writeAndSeal(fd int, content []byte) error {
	for len(content) > 0 {
		n, err := unix.Write(fd, content)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("write", err)
		}
		content = content[n:]
	}
	return seal(fd)
}

func seal(fd int) error {
	err := AddSeals(fd, SealSeal|FixedSeals)
	// EBUSY: the kernel itself still uses a page (reclaim, migration). It has waited already.
	for attempt := 0; err == unix.EBUSY && attempt < 10; attempt++ {
		err = AddSeals(fd, SealSeal|FixedSeals)
	}
	return os.NewSyscallError("fcntl F_ADD_SEALS", err)
}
