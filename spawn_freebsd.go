//go:build cgo

package initscript

import "golang.org/x/sys/unix"

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
