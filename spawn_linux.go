//go:build (linux || freebsd) && cgo

package initscript

import "golang.org/x/sys/unix"

var cloneFlags = []uint32{
	unix.CLONE_NEWUSER, unix.CLONE_NEWNS, unix.CLONE_NEWPID, unix.CLONE_NEWNET,
	unix.CLONE_NEWUTS, unix.CLONE_NEWIPC, unix.CLONE_NEWCGROUP, unix.CLONE_NEWTIME,
}

func (n Namespaces) cloneFlags() uint32 {
	var flags uint32
	for i, flag := range cloneFlags {
		if n&(1<<i) != 0 {
			flags |= flag
		}
	}
	return flags
}

// checkSystem refuses what this system does not have.
func (r *spawnRequest) checkSystem() error { return nil }

// openDirectory opens a directory that need not be readable.
func openDirectory(path string) (int, error) {
	return unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}
