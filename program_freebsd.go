//go:build cgo

package initscript

// #include "csrc/wire.h"
import "C"

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// copyProgram opens the running program, for execution only: nothing can be read or written through
// the descriptor. It is no copy as on Linux, because FreeBSD executes no memfd; and it need not be,
// because no path of procfs leads a child around its root directory to the file, and the kernel lets
// nobody write to a file that is being executed.
func copyProgram() (*os.File, error) {
	if opened := hostsProgram(); opened != nil {
		return opened, nil
	}
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the file of this program: %w", err)
	}
	fd, err := unix.Open(path, unix.O_EXEC|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// newGreeting encodes struct initscript_greeting: there are no capabilities of Linux in it.
func newGreeting() ([]byte, error) {
	var greeting C.struct_initscript_greeting
	for i, c := range []byte(C.INITSCRIPT_GREETING) {
		greeting.text[i] = C.char(c)
	}
	return C.GoBytes(unsafe.Pointer(&greeting), C.int(unsafe.Sizeof(greeting))), nil
}
