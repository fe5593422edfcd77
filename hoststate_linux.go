//go:build (linux || freebsd) && cgo

package initscript

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// hostState is all that a child inherits from the thread that starts it, apart from descriptors
// and the working directory. The fork server has what its host had when it was started, so it may
// serve a start only while the two are equal. What costs more to look at than it is worth (cgroup,
// LSM label), or cannot be seen (a Landlock domain), is the caller's to announce: RenewServer.
type hostState struct {
	status     string // the lines of /proc/thread-self/status that statusKeys names
	namespaces [len(namespaceFiles)]string
	root       [3]uint64 // device, inode, mount: differs after chroot and in another mount namespace
	rlimits    [unix.RLIMIT_RTTIME + 1]unix.Rlimit
	nice       int
	securebits int
}

var statusKeys = []string{
	"Umask", "Uid", "Gid", "Groups", "NSpgid", "NSsid",
	"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
	"NoNewPrivs", "Seccomp", "Seccomp_filters", "Cpus_allowed", "Mems_allowed",
}

// namespaceFiles leaves out those that a Go process cannot change (user), that show in root (mnt)
// or that confine nothing (cgroup, time).
var namespaceFiles = [...]string{"net", "ipc", "uts", "pid_for_children"}

var procBuffers = sync.Pool{New: func() any { return new([16384]byte) }}

// readHostState reads the state of the calling thread.
func readHostState() (hostState, error) {
	buffer := procBuffers.Get().(*[16384]byte)
	defer procBuffers.Put(buffer)

	var s hostState
	status, err := readProcFile("/proc/thread-self/status", buffer[:])
	if err != nil {
		return s, err
	}
	s.status = selectLines(status)
	for i, name := range namespaceFiles {
		n, err := unix.Readlink("/proc/thread-self/ns/"+name, buffer[:])
		if err != nil && err != unix.ENOENT { // a kernel without this kind
			return s, fmt.Errorf("readlink /proc/thread-self/ns/%s: %w", name, err)
		}
		s.namespaces[i] = string(buffer[:max(n, 0)])
	}
	if err := s.readSystemCalls(); err != nil {
		return s, err
	}
	return s, nil
}

func (s *hostState) readSystemCalls() error {
	var root unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, "/", 0, unix.STATX_INO|unix.STATX_MNT_ID, &root); err != nil {
		return os.NewSyscallError("statx", err)
	}
	s.root = [3]uint64{unix.Mkdev(root.Dev_major, root.Dev_minor), root.Ino, root.Mnt_id}
	for i := range s.rlimits {
		if err := unix.Prlimit(0, i, nil, &s.rlimits[i]); err != nil {
			return os.NewSyscallError("prlimit", err)
		}
	}
	var err error
	if s.nice, err = unix.Getpriority(unix.PRIO_PROCESS, 0); err != nil {
		return os.NewSyscallError("getpriority", err)
	}
	if s.securebits, err = unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	return nil
}

// readProcFile fills buffer with a file that is expected to fit; a longer one is an error, because
// a state that is known in part only must not pass for known.
func readProcFile(path string, buffer []byte) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	length := 0
	for length < len(buffer) {
		n, err := unix.Read(fd, buffer[length:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return buffer[:length], nil
		}
		length += n
	}
	return nil, fmt.Errorf("read %s: %w", path, unix.EFBIG)
}

func selectLines(status []byte) string {
	var selected strings.Builder
	selected.Grow(1024)
	for line := range bytes.Lines(status) {
		key, _, _ := bytes.Cut(line, []byte(":"))
		for _, wanted := range statusKeys {
			if string(key) == wanted {
				selected.Write(line)
				break
			}
		}
	}
	return selected.String()
}
