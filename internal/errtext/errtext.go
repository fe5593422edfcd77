// Package errtext words what errors of several packages of this module say alike.
package errtext

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// ErrUnsupported is initscript.ErrUnsupported, which documents it.
var ErrUnsupported = fmt.Errorf("%w: this program was built for %s/%s, and init scripts need "+
	"Linux or FreeBSD, and cgo",
	errors.ErrUnsupported, runtime.GOOS, runtime.GOARCH)

// Unsupported returns an [ErrUnsupported] that names the function of a package that has failed.
func Unsupported(pkg, function string) error {
	return fmt.Errorf("%s: %s: %w", pkg, function, ErrUnsupported)
}

// Errno returns the text of an error. For an errno it adds the symbolic name that every manual page
// uses.
func Errno(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	if errno == syscall.ENOSYS {
		return fmt.Sprintf("%v (ENOSYS): the kernel does not have it, or a seccomp filter hides it",
			errno)
	}
	if name := Symbol(errno); name != "" {
		return fmt.Sprintf("%v (%s)", errno, name)
	}
	return errno.Error()
}
