package main

import (
	"testing"

	"golang.org/x/sys/unix"
)

// No process that this one starts may inherit the descriptor, not even for a moment.
func TestStatusDescriptorIsCloseOnExec(t *testing.T) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	status, err := openStatus(pipe[1])
	if err != nil {
		t.Fatal(err)
	}
	defer status.file.Close()
	flags, err := unix.FcntlInt(uintptr(pipe[1]), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags %#x, %v; want FD_CLOEXEC", flags, err)
	}
}
