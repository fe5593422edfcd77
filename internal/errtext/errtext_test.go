package errtext

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
)

func TestErrno(t *testing.T) {
	for _, row := range []struct {
		err  error
		want string
	}{
		{syscall.EPERM, "operation not permitted (EPERM)"},
		{os.NewSyscallError("mount", syscall.EPERM), "operation not permitted (EPERM)"},
		{syscall.ENOSYS, "function not implemented (ENOSYS): the kernel does not have it, or a " +
			"seccomp filter hides it"},
		{errors.New("no errno"), "no errno"},
	} {
		if got := Errno(row.err); got != row.want {
			t.Errorf("%v: %q, want %q", row.err, got, row.want)
		}
	}
}

func TestUnsupported(t *testing.T) {
	err := Unsupported("mailbox", "Send")
	if !errors.Is(err, ErrUnsupported) || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v is none", err)
	}
	if want := fmt.Sprint("mailbox: Send: ", ErrUnsupported); err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}
