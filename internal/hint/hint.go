//go:build linux

// Package hint says why a start or a call of a script has failed, and what helps, in one line. A hint is
// given only where what the host knows of the start, what the child has seen, and the machine show the
// cause, or it says "likely": a wrong one costs more time than none.
package hint

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-initscript/initscript/internal/wire"
	"golang.org/x/sys/unix"
)

// Start describes the start of a child, as the host knows it.
type Start struct {
	Namespaces uint32 // those that it was to get, as CLONE_NEW*
	HasMaps    bool   // of user and group ids
}

// Child holds what a child has told before its failure. The zero Child has told nothing.
type Child struct {
	known bool
	notes wire.Notes
	paths []wire.SeenPath
	text  string
}

// DecodeChild decodes the fields of a record INITSCRIPT_EXPLANATION; see csrc/wire.h.
func DecodeChild(fields []string) Child {
	if len(fields) != 3 {
		return Child{}
	}
	c := Child{known: true, text: fields[2]}
	if n, err := binary.Decode([]byte(fields[0]), binary.NativeEndian, &c.notes); err != nil ||
		n != len(fields[0]) {
		return Child{}
	}
	c.paths = make([]wire.SeenPath, len(fields[1])/binary.Size(wire.SeenPath{}))
	if _, err := binary.Decode([]byte(fields[1]), binary.NativeEndian, c.paths); err != nil {
		return Child{}
	}
	return c
}

// Failure is a system call that has failed, and its child.
type Failure struct {
	Start
	Child
	Errno unix.Errno
	Name  string   // of the function of the script
	Args  []string // as ScriptError.Args
}

// Setup is about a system call of the launcher. That it is made after the script shows in what the child
// has told before.
func Setup(child Child, call string, err error) string {
	f := Failure{Child: child}
	if line, did := f.line(wire.NoteSeccomp); did {
		return fmt.Sprintf("likely the seccomp filter that the script installed %s does not let "+
			"the launcher "+
			"call %s, or only pretends to: allow it", line, call)
	}
	return StartRefused(err).String()
}

// UndefinedSymbol is for functions that ffi.C does not find. A program without a dynamic loader
// (AT_BASE, getauxval(3)) has no symbols that could be looked up.
func UndefinedSymbol() string {
	const base = 7 // AT_BASE
	vector, err := unix.Auxv()
	isBase := func(entry [2]uintptr) bool { return entry[0] == base && entry[1] != 0 }
	if err != nil || slices.ContainsFunc(vector, isBase) {
		return ""
	}
	return "likely this program is linked statically, where ffi.C has no functions: " +
		"use those of the table C, or build it with shared libraries"
}

// line returns where the script has last done so, as text, and whether it has.
func (f *Failure) line(note int) (string, bool) {
	switch line := f.notes.Lines[note]; {
	case line > 0:
		return fmt.Sprintf("in line %d", line), true
	default:
		return "before", line < 0
	}
}

func (f *Failure) did(note int) bool { return f.notes.Lines[note] != 0 }

// lacks reports whether the child certainly did not have the capability.
func (f *Failure) lacks(capability int) bool {
	return f.notes.HasEffective != 0 && f.notes.Effective&(1<<capability) == 0
}

// has reports whether the child certainly had the capability, in its user namespace.
func (f *Failure) has(capability int) bool {
	return f.notes.HasEffective != 0 && f.notes.Effective&(1<<capability) != 0
}

// isIn reports whether the child had its own namespace of the kind that the CLONE_NEW* flag is for. A
// PID namespace that the script makes is for its children.
func (f *Failure) isIn(flag uint32) bool {
	return f.Namespaces&flag != 0 || flag != unix.CLONE_NEWPID && f.notes.Unshared&flag != 0
}

func (f *Failure) inUserNamespace() bool { return f.isIn(unix.CLONE_NEWUSER) }

func (f *Failure) number(i int) uint64 {
	if i >= len(f.Args) {
		return 0
	}
	number, err := strconv.ParseFloat(f.Args[i], 64)
	if err != nil || number < 0 {
		return 0
	}
	return uint64(number)
}

// unquoted returns a string argument.
func (f *Failure) unquoted(i int) string {
	if i >= len(f.Args) {
		return ""
	}
	return strings.Trim(f.Args[i], `"`)
}

// Call explains a call of the script.
func (f *Failure) Call() string {
	if !f.known {
		return ""
	}
	var hint string
	switch f.Name {
	case "unshare":
		hint = f.unshareHint()
	case "mount", "umount", "umount2", "pivot_root", "fsopen", "fsmount", "move_mount", "open_tree",
		"mount_setattr":
		hint = f.mountHint()
	case "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self":
		hint = f.landlockHint()
	case "seccomp_set_mode_filter":
		hint = f.seccompHint()
	case "execve":
		hint = f.Program()
	case "write", "write_all":
		hint = f.idMapWriteHint()
	case "setresuid", "setresgid", "setgroups":
		hint = f.credentialsHint()
	}
	if hint == "" && f.Errno == unix.EOVERFLOW {
		hint = f.overflowHint()
	}
	if hint == "" {
		hint = f.restrictedHint()
	}
	return hint
}

func (f *Failure) unshareHint() string {
	if f.did(wire.NoteSeccomp) || f.did(wire.NoteChroot) {
		return ""
	}
	set := uint32(f.number(0)) & allNamespaces()
	if f.Errno == unix.EPERM && set&unix.CLONE_NEWUSER == 0 && set != 0 {
		if line, did := f.droppedLine(); f.lacks(unix.CAP_SYS_ADMIN) && did {
			return "CAP_SYS_ADMIN is needed, and the script has given it up " + line +
				": call unshare before that"
		}
		if f.lacks(unix.CAP_SYS_ADMIN) {
			return "CAP_SYS_ADMIN is needed: make a user namespace too (C.CLONE_NEWUSER, NewUser, " +
				"--ns user), which gives it inside"
		}
	}
	if set == 0 || f.Namespaces&unix.CLONE_NEWUSER != 0 || f.did(wire.NoteSetns) {
		return "" // the sysctls and ids of this machine are not those of the child
	}
	return NamespacesRefused(set, f.Errno).String()
}

// droppedLine returns where the script gave up capabilities.
func (f *Failure) droppedLine() (string, bool) {
	if line, did := f.line(wire.NoteCapabilities); did {
		return line, true
	}
	return f.line(wire.NoteCredentials)
}

// overflowHint is about files that cannot be created because their owner cannot be expressed.
func (f *Failure) overflowHint() string {
	creates := map[string]bool{"open": true, "openat": true, "openat2": true, "mkdir": true,
		"mkdirat": true, "mknod": true,
		"mknodat": true, "symlink": true, "symlinkat": true, "link": true, "chown": true}
	if !creates[f.Name] || !f.inUserNamespace() || f.HasMaps {
		return ""
	}
	return "the user or group id of the script is not mapped in its user namespace, so nothing " +
		"can belong to it: " +
		"give both id maps (UIDMap and GIDMap, --map-root) before files are created"
}

// restrictedHint is about what the script has forbidden itself.
func (f *Failure) restrictedHint() string {
	if line, did := f.line(wire.NoteSeccomp); did &&
		(f.Errno == unix.EPERM || f.Errno == unix.ENOSYS || f.Errno == unix.EACCES) {
		return fmt.Sprintf("likely the seccomp filter that the script installed %s refuses the "+
			"call: install it later, or allow the call", line)
	}
	if line, did := f.line(wire.NoteLandlock); did && f.Errno == unix.EACCES {
		return fmt.Sprintf("likely the Landlock ruleset in force since the call %s does not allow "+
			"it: restrict later, or add a rule", line)
	}
	return ""
}

func (f *Failure) seccompHint() string {
	if f.Errno != unix.EACCES || f.did(wire.NoteSeccomp) || f.did(wire.NoteNoNewPrivs) {
		return ""
	}
	return needsNoNewPrivs
}

const needsNoNewPrivs = "a process without CAP_SYS_ADMIN must set no_new_privs first: call " +
	"set_no_new_privs() before"

// credentialsHint is about ids inside a user namespace.
func (f *Failure) credentialsHint() string {
	if !f.inUserNamespace() {
		return ""
	}
	switch {
	case f.Errno == unix.EINVAL:
		return "an id is not mapped in the user namespace: add it to its id maps (UIDMap, GIDMap, " +
			"--uid-map, --gid-map)"
	case f.Errno == unix.EPERM && f.Name == "setgroups" && f.has(unix.CAP_SETGID) &&
		!f.did(wire.NoteSeccomp):
		return "setgroups is disabled in this user namespace, or its gid_map is not written: an " +
			"ordinary user can map " +
			"group ids only after giving up setgroups; leave the call out, or have newgidmap(1) " +
			"write the map"
	}
	return ""
}
