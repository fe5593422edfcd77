//go:build (linux || freebsd) && cgo

package initscript

// #include "csrc/wire.h"
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/go-initscript/initscript/internal/doctor"
	"golang.org/x/sys/unix"
)

// origin is what the host knows of a start that failed. A hint is given only where that, what the
// child has seen, and the machine show the cause, or it says "likely": a wrong one costs more time
// than none.
type origin struct {
	namespaces Namespaces
	hasMaps    bool // of user and group ids
}

func (r *spawnRequest) origin() origin {
	return origin{r.namespaces, len(r.uidMap) > 0 && len(r.gidMap) > 0}
}

// explain gives the error its hint.
func (o origin) explain(err error, state record) error {
	switch e := err.(type) {
	case *NamespaceError:
		e.Hint = doctor.NamespacesRefused(strings.Split(e.Namespaces.String(), ","), e.Err).String()
	case *IDMapError:
		e.Hint = e.hint()
	case *ServerError:
		e.Hint = doctor.StartRefused(e.Err).String()
	case *SetupError:
		e.Hint = setupHint(e, decodeState(state))
	case *ExecError:
		f := failure{origin: o, errno: unix.Errno(0), childState: decodeState(state)}
		errors.As(e.Err, &f.errno)
		e.Hint = f.programHint()
	case *ScriptError:
		if e.Func != "" {
			f := failure{o, e.Func, e.Args, e.Errno, decodeState(state)}
			e.Hint = f.callHint()
		} else if strings.Contains(e.Message, "undefined symbol: ") {
			e.Hint = staticHint()
		}
	}
	return err
}

// setupHint is about a system call of the launcher. That it is made after the script shows in what the
// child has told before.
func setupHint(e *SetupError, state childState) string {
	f := failure{childState: state}
	if line, did := f.line(C.INITSCRIPT_NOTE_SECCOMP); did {
		return fmt.Sprintf("likely the seccomp filter that the script installed %s does not let the launcher "+
			"call %s, or only pretends to: allow it", line, e.Op)
	}
	return doctor.StartRefused(e.Err).String()
}

// staticHint is for functions that ffi.C does not find. A program without a dynamic loader (AT_BASE,
// getauxval(3)) has no symbols that could be looked up.
func staticHint() string {
	const base = 7 // AT_BASE
	vector, err := unix.Auxv()
	isBase := func(entry [2]uintptr) bool { return entry[0] == base && entry[1] != 0 }
	if err != nil || slices.ContainsFunc(vector, isBase) {
		return ""
	}
	return "likely this program is linked statically, where ffi.C has no functions: " +
		"use those of the table C, or build it with shared libraries"
}

// childState is what a child has told before its failure: struct initscript_state and what follows.
type childState struct {
	known  bool
	script C.struct_initscript_state
	paths  []C.struct_initscript_path_state
	text   string
}

func decodeState(r record) childState {
	s := childState{text: r.field(2)}
	size := int(unsafe.Sizeof(s.script))
	if r.kind != C.INITSCRIPT_STATE || len(r.field(0)) != size {
		return childState{}
	}
	s.known = true
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&s.script)), size), r.field(0))
	const pathSize = C.sizeof_struct_initscript_path_state
	s.paths = make([]C.struct_initscript_path_state, len(r.field(1))/pathSize)
	if len(s.paths) > 0 {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&s.paths[0])), len(s.paths)*pathSize), r.field(1))
	}
	return s
}

// failure is a call that has failed, in a child of which something is known.
type failure struct {
	origin
	name  string
	args  []string
	errno unix.Errno
	childState
}

// line returns where the script has last done so, as text, and whether it has.
func (f *failure) line(note int) (string, bool) {
	switch line := f.script.lines[note]; {
	case line > 0:
		return fmt.Sprintf("in line %d", line), true
	default:
		return "before", line < 0
	}
}

func (f *failure) did(note int) bool { return f.script.lines[note] != 0 }

// lacks tells whether the child certainly did not have the capability.
func (f *failure) lacks(capability int) bool {
	return f.script.has_effective != 0 && f.script.effective&(1<<capability) == 0
}

// has tells whether the child certainly had the capability, in its user namespace.
func (f *failure) has(capability int) bool {
	return f.script.has_effective != 0 && f.script.effective&(1<<capability) != 0
}

// isIn tells whether the child had its own namespace of the kind, of which flag is the CLONE_ bit. A
// PID or time namespace that the script makes is for its children.
func (f *failure) isIn(kind Namespaces, flag uint32) bool {
	return f.namespaces&kind != 0 || kind != NewPID && uint32(f.script.unshared)&flag != 0
}

func (f *failure) inUserNamespace() bool { return f.isIn(NewUser, unix.CLONE_NEWUSER) }

func (f *failure) number(i int) uint64 {
	if i >= len(f.args) {
		return 0
	}
	number, err := strconv.ParseFloat(f.args[i], 64)
	if err != nil || number < 0 {
		return 0
	}
	return uint64(number)
}

// unquoted returns a string argument.
func (f *failure) unquoted(i int) string {
	if i >= len(f.args) {
		return ""
	}
	return strings.Trim(f.args[i], `"`)
}

// callHint explains a call of the script.
func (f *failure) callHint() string {
	if !f.known {
		return ""
	}
	var hint string
	switch f.name {
	case "unshare":
		hint = f.unshareHint()
	case "mount", "umount", "umount2", "pivot_root", "fsopen", "fsmount", "move_mount", "open_tree", "mount_setattr":
		hint = f.mountHint()
	case "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self":
		hint = f.landlockHint()
	case "seccomp_set_mode_filter":
		hint = f.seccompHint()
	case "execve":
		hint = f.programHint()
	case "write", "write_all":
		hint = f.idMapWriteHint()
	case "setresuid", "setresgid", "setgroups":
		hint = f.credentialsHint()
	}
	if hint == "" && f.errno == unix.EOVERFLOW {
		hint = f.overflowHint()
	}
	if hint == "" {
		hint = f.restrictedHint()
	}
	return hint
}

func (f *failure) unshareHint() string {
	if f.did(C.INITSCRIPT_NOTE_SECCOMP) || f.did(C.INITSCRIPT_NOTE_CHROOT) {
		return ""
	}
	flags := uint32(f.number(0))
	var set Namespaces
	for i, flag := range cloneFlags {
		if flags&flag != 0 {
			set |= 1 << i
		}
	}
	if f.errno == unix.EPERM && set&NewUser == 0 && set != 0 {
		if line, did := f.droppedLine(); f.lacks(unix.CAP_SYS_ADMIN) && did {
			return "CAP_SYS_ADMIN is needed, and the script has given it up " + line + ": call unshare before that"
		}
		if f.lacks(unix.CAP_SYS_ADMIN) {
			return "CAP_SYS_ADMIN is needed: make a user namespace too (C.CLONE_NEWUSER, NewUser, --ns user), which gives it inside"
		}
	}
	if set == 0 || f.namespaces&NewUser != 0 || f.did(C.INITSCRIPT_NOTE_SETNS) {
		return "" // the sysctls and ids of this machine are not those of the child
	}
	return doctor.NamespacesRefused(strings.Split(set.String(), ","), f.errno).String()
}

// droppedLine returns where the script gave up capabilities.
func (f *failure) droppedLine() (string, bool) {
	if line, did := f.line(C.INITSCRIPT_NOTE_CAPABILITIES); did {
		return line, true
	}
	return f.line(C.INITSCRIPT_NOTE_CREDENTIALS)
}

// overflowHint is about files that cannot be created because their owner cannot be expressed.
func (f *failure) overflowHint() string {
	creates := map[string]bool{"open": true, "openat": true, "openat2": true, "mkdir": true, "mkdirat": true, "mknod": true,
		"mknodat": true, "symlink": true, "symlinkat": true, "link": true, "chown": true}
	if !creates[f.name] || !f.inUserNamespace() || f.hasMaps {
		return ""
	}
	return "the user or group id of the script is not mapped in its user namespace, so nothing can belong to it: " +
		"give both id maps (UIDMap and GIDMap, --map-root) before files are created"
}

// restrictedHint is about what the script has forbidden itself.
func (f *failure) restrictedHint() string {
	if line, did := f.line(C.INITSCRIPT_NOTE_SECCOMP); did && (f.errno == unix.EPERM || f.errno == unix.ENOSYS || f.errno == unix.EACCES) {
		return fmt.Sprintf("likely the seccomp filter that the script installed %s refuses the call: install it later, or allow the call", line)
	}
	if line, did := f.line(C.INITSCRIPT_NOTE_LANDLOCK); did && f.errno == unix.EACCES {
		return fmt.Sprintf("likely the Landlock ruleset in force since the call %s does not allow it: restrict later, or add a rule", line)
	}
	return ""
}

func (f *failure) seccompHint() string {
	if f.errno != unix.EACCES || f.did(C.INITSCRIPT_NOTE_SECCOMP) || f.did(C.INITSCRIPT_NOTE_NO_NEW_PRIVS) {
		return ""
	}
	return needsNoNewPrivs
}

const needsNoNewPrivs = "a process without CAP_SYS_ADMIN must set no_new_privs first: call set_no_new_privs() before"

// credentialsHint is about ids inside a user namespace.
func (f *failure) credentialsHint() string {
	if !f.inUserNamespace() {
		return ""
	}
	switch {
	case f.errno == unix.EINVAL:
		return "an id is not mapped in the user namespace: add it to its id maps (UIDMap, GIDMap, --uid-map, --gid-map)"
	case f.errno == unix.EPERM && f.name == "setgroups" && f.has(unix.CAP_SETGID) && !f.did(C.INITSCRIPT_NOTE_SECCOMP):
		return "setgroups is disabled in this user namespace, or its gid_map is not written: an ordinary user can map " +
			"group ids only after giving up setgroups; leave the call out, or have newgidmap(1) write the map"
	}
	return ""
}
