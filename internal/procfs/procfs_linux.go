// Package procfs reads proc(5) with as few system calls as there can be.
package procfs

import (
	"bytes"
	"os"

	"golang.org/x/sys/unix"
)

// ReadFile fills buffer with a file that is expected to fit; a longer one is an error.
func ReadFile(path string, buffer []byte) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	content, err := ReadOnce(fd, buffer)
	if err != nil {
		return nil, &os.PathError{Op: "read", Path: path, Err: err}
	}
	return content, nil
}

// ReadOnce reads a file of /proc that the kernel makes as one piece when it is read from its beginning:
// a text that does not fill the buffer is complete.
func ReadOnce(fd int, buffer []byte) ([]byte, error) {
	for {
		n, err := unix.Pread(fd, buffer, 0)
		switch {
		case err == unix.EINTR: // a signal came while the kernel waited for a lock
		case err != nil:
			return nil, err
		case n == 0 || n == len(buffer):
			return nil, unix.EFBIG
		default:
			return buffer[:n], nil
		}
	}
}

// HasEnded reports whether the process whose directory this is has ended. It reads the state after the
// name, which may contain anything: see proc_pid_stat(5).
func HasEnded(fd int) bool {
	stat, err := unix.Openat(fd, "stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return true // ENOENT: it has been waited for, too; or it cannot be seen
	}
	defer unix.Close(stat)
	buffer := make([]byte, 4096)
	n, err := unix.Read(stat, buffer)
	if err != nil {
		return err == unix.ESRCH
	}
	state := bytes.TrimLeft(buffer[bytes.LastIndexByte(buffer[:n], ')')+1:n], " ")
	return len(state) > 0 && (state[0] == 'Z' || state[0] == 'X')
}
