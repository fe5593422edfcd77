//go:build cgo

package initscript

// #include <fcntl.h>
// #include <stdlib.h>
// #include <sys/mman.h>
import "C"

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Seals of a memfd, see fcntl(2): FreeBSD 13.
const (
	sealSeal   = C.F_SEAL_SEAL
	sealShrink = C.F_SEAL_SHRINK
	sealGrow   = C.F_SEAL_GROW
	sealWrite  = C.F_SEAL_WRITE
)

const (
	fcntlAddSeals = C.F_ADD_SEALS
	fcntlGetSeals = C.F_GET_SEALS
)

// newMemfd creates a memfd that can be sealed. The modern flags are of Linux: what is in a memfd of
// FreeBSD cannot be executed anyway.
func newMemfd(name string, flags, modern int) (int, error) {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	fd, err := C.memfd_create(text, C.uint(flags)|C.MFD_CLOEXEC|C.MFD_ALLOW_SEALING)
	if fd < 0 {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	return int(fd), nil
}

func addSeals(fd, seals int) error {
	_, err := unix.FcntlInt(uintptr(fd), fcntlAddSeals, seals)
	return err
}
