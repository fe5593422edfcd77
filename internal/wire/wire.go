// Package wire declares the structures of csrc/wire.h for Go packages without C. The package at the
// module's root includes both, and does not compile if they differ.
package wire

import "unsafe"

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
	NoteCount
)

// Notes is struct initscript_notes: what a script has left that may explain a failure.
type Notes struct {
	Lines        [NoteCount]int32 // of the script, where it did so last; 0: never, -1: unknown
	Unshared     uint32           // CLONE_NEW*, by the script
	HasEffective uint32           // the next is known
	_            uint32
	Effective    uint64 // capabilities, bits 1 << CAP_*
}

// SeenPath is struct initscript_seen_path: a path as the child sees it.
type SeenPath struct {
	Error       int32  // errno of looking at it; then nothing else is known
	Mode        uint32 // as in stat(2)
	MountFlags  uint32 // ST_* of statvfs(3)
	MayExecute  uint8  // by access(2)
	IsMount     uint8  // 1: the root of a mount, 0: not, 2: unknown
	Propagation uint8  // 1: the mount is shared, 2: the mount that it is on, 3: both
	IsListed    uint8  // the mount is in /proc/self/mountinfo: Propagation is known
	MountID     uint64 // 0: unknown
}

// Request is struct initscript_request: what a host asks its server for, on the control socket.
type Request struct {
	Kind       RequestKind
	Pid        int32  // of [Detach] and [Kill]: beside the id, to find the child by
	ID         uint64 // chosen by the host; comes back in every event of this child
	Namespaces uint32 // CLONE_NEW*
	Announce   uint32 // the child sends [NamespacesReady]
}

// RequestKind is enum initscript_request_kind.
type RequestKind uint32

// The kinds of requests.
const (
	Start  RequestKind = iota + 1 // with the child's end of the start socket, and the working directory
	Detach                        // the child may outlive the host
	Kill                          // a child whose pidfd the host could not receive
	Retire                        // no more children
)

// Event is struct initscript_event: what the server tells the host, on the control socket.
type Event struct {
	Kind                                   EventKind
	Pid                                    int32
	ID                                     uint64 // of the request; 0 in [Retired]
	Error                                  int32  // an errno
	Status                                 int32  // as from wait4(2)
	Call                                   [24]byte
	UserMicroseconds, SystemMicroseconds   int64
	MaxRSSKilobytes                        int64
	MinorFaults, MajorFaults               int64
	VoluntarySwitches, InvoluntarySwitches int64
}

// EventKind is enum initscript_event_kind.
type EventKind uint32

// The kinds of events.
const (
	Born    EventKind = iota + 1 // Pid; carries a pidfd
	NotBorn                      // Error, Call: the last event of this child
	Ended                        // Pid, Status, usage: the last event of this child
	Retired                      // answers [Retire]: nothing is born after this
)

// RecordHeader is struct initscript_record: how each message of a child begins on its start socket.
type RecordHeader struct {
	Kind   RecordKind
	Error  int32  // an errno
	Line   int32  // of the script; 0: unknown
	Fields uint32 // how many follow, each a uint32 length and its bytes
}

// RecordKind is enum initscript_record_kind. Zero is none.
type RecordKind uint32

// The kinds of records.
const (
	NamespacesReady RecordKind = iota + 2 // the host may write the id maps
	ScriptExecs                           // the script is about to call execve; fields: path
	ScriptRuns                            // that failed, and the script goes on
	ScriptDone                            // the program is about to be executed, or there is none
	SetupFailed                           // fields: system call
	CallFailed                            // fields: function, traceback, arguments...
	ScriptFailed                          // fields: message, traceback
	LoadFailed                            // fields: message
	MemoryExhausted                       // fields: none
	ExecFailed                            // fields: path, missing interpreter or ""
	EntryFailed                           // from an actor; fields: message, traceback if it is in Lua
	Explanation                           // what may explain the next; fields: Notes, SeenPaths, text
)

// RecordSize is the length of the longest record.
const RecordSize = 16384

// GoAhead is struct initscript_go_ahead: the host's answer on the start socket.
type GoAhead struct {
	PlanSize    uint64
	HasArg      uint32
	ExtraFiles  uint32
	HiddenFiles uint32
	HasTrace    uint32
}

// The hidden files of an actor, in their order: enum initscript_hidden_file. One in Lua has the first
// only.
const (
	HiddenParent     = iota // the sending end of the channel to the host
	HiddenCrash             // the writing end of a pipe for what the Go runtime says at last
	HiddenExecutable        // what servers are executed from, for children of its own
	HiddenNull              // the null device, likewise
	HiddenFiles
)

// MaxDescriptors is how many one message carries at most: SCM_MAX_FD, unix(7).
const MaxDescriptors = 253

// PlanHeader is struct initscript_plan, with which a plan begins. Offsets are from there; every string
// ends with a NUL byte.
type PlanHeader struct {
	MemoryLimit                                          uint64 // of the script, bytes
	Script, ScriptLength                                 uint64
	ScriptName                                           uint64
	Path                                                 uint64 // of the program; 0: none
	Entry                                                uint64 // of an actor in Go; 0: none
	Module, ModuleSource, ModuleSourceLength, ModuleName uint64 // of an actor in Lua; 0: none
	ModuleMemoryLimit                                    uint64 // bytes; 0: none
	Argv, Argc                                           uint64
	Envp, Envc                                           uint64
	Random                                               [16]byte // of an actor in Go: AT_RANDOM
}

// Bytes returns the memory of a structure, as it is sent and received.
func Bytes[T Request | Event | RecordHeader | GoAhead | PlanHeader](structure *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(structure)), unsafe.Sizeof(*structure))
}
