//go:build (linux || freebsd) && cgo

package initscript

import (
	"os"

	"github.com/go-initscript/initscript/internal/pidfd"
	"golang.org/x/sys/unix"
)

// writeIDMaps gives a process that waits in a new user namespace its maps; see
// user_namespaces(7).
func writeIDMaps(process *Process, uidMap, gidMap []IDMap) error {
	directory, err := process.openDirectory()
	if err != nil {
		return &IDMapError{File: "uid_map", Map: uidMap, Err: err}
	}
	defer unix.Close(directory)
	// The directory belongs to the process that is alive now: ours, if that still is.
	if err := process.Signal(unix.Signal(0)); err != nil {
		return &IDMapError{File: "uid_map", Map: uidMap, Err: err}
	}
	if len(uidMap) > 0 {
		if err := writeAt(directory, "uid_map", formatIDMap(uidMap)); err != nil {
			return &IDMapError{File: "uid_map", Map: uidMap, Err: err}
		}
	}
	if len(gidMap) == 0 {
		return nil
	}
	err = writeAt(directory, "gid_map", formatIDMap(gidMap))
	if err == unix.EPERM {
		// Without CAP_SETGID the kernel wants setgroups(2) disabled first: it could be used to
		// leave a group that denies access.
		if err := writeAt(directory, "setgroups", "deny"); err != nil {
			return &IDMapError{File: "setgroups", Map: gidMap, Err: err}
		}
		err = writeAt(directory, "gid_map", formatIDMap(gidMap))
	}
	if err != nil {
		return &IDMapError{File: "gid_map", Map: gidMap, Err: err}
	}
	return nil
}

// openDirectory opens the directory of the process in /proc.
func (p *Process) openDirectory() (int, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.pidfd < 0 {
		return -1, os.ErrProcessDone
	}
	return pidfd.OpenDirectory(p.pidfd)
}

// writeAt writes all at once: the kernel accepts these files only like that.
func writeAt(directory int, name, content string) error {
	fd, err := unix.Openat(directory, name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	file := os.NewFile(uintptr(fd), name)
	defer file.Close()
	_, err = unix.Write(fd, []byte(content))
	return err
}
