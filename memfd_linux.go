//go:build cgo

package initscript

import (
	"os"

	"golang.org/x/sys/unix"
)

// Seals of a memfd, see fcntl(2).
const (
	sealSeal   = unix.F_SEAL_SEAL
	sealShrink = unix.F_SEAL_SHRINK
	sealGrow   = unix.F_SEAL_GROW
	sealWrite  = unix.F_SEAL_WRITE
)

const (
	fcntlAddSeals = unix.F_ADD_SEALS
	fcntlGetSeals = unix.F_GET_SEALS
)

// newMemfd creates a memfd that can be sealed. modern holds flags that old kernels do not know and
// answer with EINVAL: MFD_EXEC and MFD_NOEXEC_SEAL are of Linux 6.3.
func newMemfd(name string, flags, modern int) (int, error) {
	flags |= unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|modern)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate(name, flags)
	}
	return fd, os.NewSyscallError("memfd_create", err)
}

func addSeals(fd, seals int) error {
	_, err := unix.FcntlInt(uintptr(fd), fcntlAddSeals, seals)
	return err
}
