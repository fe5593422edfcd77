//go:build cgo

package start

import "golang.org/x/sys/unix"

// bornInNamespaces reports whether the server clones the child into its namespaces.
func bornInNamespaces(flags uint32) bool { return flags&unix.CLONE_NEWPID != 0 }

// openDirectory opens a directory that need not be readable.
func openDirectory(path string) (int, error) {
	return unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}
