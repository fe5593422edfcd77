//go:build cgo

package initscript

import (
	"os"

	"golang.org/x/sys/unix"
)

func (n Namespaces) cloneFlags() uint32 { return 0 }

// origin is what hints are made of. There are none on FreeBSD.
type origin struct{}

func (r *spawnRequest) origin() origin { return origin{} }

func (origin) explain(err error, state record) error { return err }

// checkSystem refuses what this system does not have.
func (r *spawnRequest) checkSystem() error {
	switch {
	case r.namespaces != 0:
		return &FieldError{"Namespaces", notOnFreeBSD("namespaces: use jails, C.jail_set in the script")}
	case len(r.uidMap) > 0:
		return &FieldError{"UIDMap", notOnFreeBSD("user namespaces")}
	case len(r.gidMap) > 0:
		return &FieldError{"GIDMap", notOnFreeBSD("user namespaces")}
	}
	return nil
}

// writeIDMaps is never called: checkSystem refuses maps.
func writeIDMaps(process *Process, uidMap, gidMap []IDMap) error {
	return &IDMapError{File: "uid_map", Map: uidMap, Err: notOnFreeBSD("user namespaces")}
}

// openDirectory opens a directory that need not be readable.
func openDirectory(path string) (int, error) {
	const search = unix.O_EXEC // O_SEARCH of open(2)
	return unix.Open(path, search|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}

// socketBuffer holds the largest message: the default of SEQPACKET sockets is 8 KiB.
const socketBuffer = 256 << 10

// seqpacketSockets makes a pair of sockets for messages, with flags beside SOCK_CLOEXEC.
func seqpacketSockets(flags int) ([2]int, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|flags, 0)
	if err != nil {
		return pair, err
	}
	for _, fd := range pair {
		for _, option := range []int{unix.SO_SNDBUF, unix.SO_RCVBUF} {
			if err == nil {
				err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, socketBuffer)
			}
		}
	}
	if err != nil {
		unix.Close(pair[0])
		unix.Close(pair[1])
		return pair, os.NewSyscallError("setsockopt", err)
	}
	return pair, nil
}
