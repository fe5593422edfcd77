//go:build cgo

package memfd

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
	SealSeal   = C.F_SEAL_SEAL
	SealShrink = C.F_SEAL_SHRINK
	SealGrow   = C.F_SEAL_GROW
	SealWrite  = C.F_SEAL_WRITE
)

// Create returns a new memfd, close-on-exec, that can be sealed. The modern flags are of Linux: what is in a
// memfd of FreeBSD cannot be executed anyway.
func Create(name string, flags, modern int) (int, error) {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	fd, err := C.memfd_create(text, C.uint(flags)|C.MFD_CLOEXEC|C.MFD_ALLOW_SEALING)
	if fd < 0 {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	return int(fd), nil
}

// AddSeals adds seals, which stay. The error is an errno.
func AddSeals(fd, seals int) error {
	_, err := unix.FcntlInt(uintptr(fd), C.F_ADD_SEALS, seals)
	return err
}
