package memfd

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSealed(t *testing.T) {
	fd, err := Sealed("test", []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	content := make([]byte, 16)
	if n, err := unix.Pread(fd, content, 0); err != nil || string(content[:n]) != "content" {
		t.Errorf("%q, %v", content, err)
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil ||
		flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("not close-on-exec: %v", err)
	}
	_, writeErr := unix.Pwrite(fd, []byte("x"), 0)
	_, growErr := unix.Pwrite(fd, []byte("x"), 7)
	for what, err := range map[string]error{
		"writing": writeErr, "growing": growErr, "shrinking": unix.Ftruncate(fd, 1),
		"sealing": AddSeals(fd, SealGrow),
	} {
		if !errors.Is(err, unix.EPERM) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Flags that the kernel does not know do not matter where they are modern.
func TestModernFlags(t *testing.T) {
	const unknown = 1 << 20
	fd, err := Create("test", 0, unknown)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	if fd, err := Create("test", unknown, 0); !errors.Is(err, unix.EINVAL) {
		t.Errorf("%d, %v", fd, err)
	}
}
