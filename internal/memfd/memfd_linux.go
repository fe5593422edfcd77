//go:build cgo

package memfd

import (
	"os"

	"golang.org/x/sys/unix"
)

// Seals of a memfd, see fcntl(2).
const (
	SealSeal   = unix.F_SEAL_SEAL
	SealShrink = unix.F_SEAL_SHRINK
	SealGrow   = unix.F_SEAL_GROW
	SealWrite  = unix.F_SEAL_WRITE
)

// Create returns a new memfd, close-on-exec, that can be sealed. modern holds flags that old kernels do not
// know and answer with EINVAL: MFD_EXEC and MFD_NOEXEC_SEAL are of Linux 6.3.
func Create(name string, flags, modern int) (int, error) {
	flags |= unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|modern)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate(name, flags)
	}
	return fd, os.NewSyscallError("memfd_create", err)
}

// AddSeals adds seals, which stay. The error is an errno.
func AddSeals(fd, seals int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	return err
}
