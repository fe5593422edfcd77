package pidfd

import (
	"fmt"
	"strings"

	"github.com/go-initscript/initscript/internal/procfs"
	"golang.org/x/sys/unix"
)

// Where the kernel has no pidfd_open the server sends the directory of a child in /proc instead of
// a pidfd. Signals go through it just as safely. What it cannot do is tell poll(2) of the end.

// OpenDirectory opens the directory of a process in /proc, which may be mounted for another PID
// namespace than ours and then numbers the process otherwise: its pidfd tells how.
func OpenDirectory(pidfd int) (int, error) {
	var buffer [1024]byte
	info, err := procfs.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", pidfd), buffer[:])
	if err != nil {
		return -1, err
	}
	_, number, isPidfd := strings.Cut(string(info), "\nPid:\t")
	if !isPidfd { // it is the directory
		return unix.FcntlInt(uintptr(pidfd), unix.F_DUPFD_CLOEXEC, 0)
	}
	number, _, _ = strings.Cut(number, "\n") // -1: it has ended; 0: it cannot be seen
	return unix.Open("/proc/"+number, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}

func isDirectory(fd int) bool {
	var stat unix.Stat_t
	return unix.Fstat(fd, &stat) == nil && stat.Mode&unix.S_IFMT == unix.S_IFDIR
}
