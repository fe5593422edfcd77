// Package wire has structures of csrc/wire.h for Go packages without C. The package at the module's root
// includes both, and does not compile if they differ.
package wire

// What a script has done that changes what later calls may do: enum initscript_note.
const (
	NoteUnshare = iota
	NoteSetns
	NoteCredentials  // setresuid and its relatives
	NoteCapabilities // cap_set_proc
	NoteNoNewPrivs
	NoteSeccomp
	NoteLandlock
	NoteChroot
	NoteUmount
	Notes
)

// State is struct initscript_state.
type State struct {
	Lines        [Notes]int32 // of the script, where it did so last; 0: never, -1: nobody knows where
	Unshared     uint32       // CLONE_NEW*, by the script
	HasEffective uint32       // the next is known
	_            uint32
	Effective    uint64 // capabilities, bits 1 << CAP_*
}

// PathState is struct initscript_path_state: a path as the child sees it.
type PathState struct {
	Error       int32  // errno of looking at it; then nothing else is known
	Mode        uint32 // as in stat(2)
	MountFlags  uint32 // ST_* of statvfs(3)
	MayExecute  uint8  // by access(2)
	IsMount     uint8  // 1: the root of a mount, 0: not, 2: unknown
	Propagation uint8  // 1: the mount is shared, 2: the mount that it is on, 3: both
	IsListed    uint8  // the mount is in /proc/self/mountinfo: Propagation is known
	MountID     uint64 // 0: unknown
}
