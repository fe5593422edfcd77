package check

import (
	"strings"

	"github.com/go-initscript/initscript/internal/luasyntax"
)

// rootState describes the working directory while the root directory changes.
type rootState struct {
	// outside is the call that has left the working directory outside of the new root.
	outside *luasyntax.Call
	// directory is where the process has gone last, if moved and known say so.
	directory    string
	moved, known bool
}

// join keeps what was left outside on one way, unless on the other something was done about it.
func (r *rootState) join(other rootState) {
	switch {
	case *r == other:
	case other == (rootState{known: true}): // untouched
	case *r == (rootState{known: true}):
		*r = other
	default:
		*r = rootState{moved: true}
	}
}

// applyRoot follows what a call does to the root and the working directory.
func (f *follower) applyRoot(call *luasyntax.Call, function *function) {
	r := &f.state.root
	switch function.name {
	case "C.chdir", "C.fchdir":
		path, known := "", false
		if e, _ := argument(call, 0); e != nil && function.name == "C.chdir" {
			path, known = f.text(e)
		}
		if r.outside == nil || !known || strings.HasPrefix(path, "/") {
			*r = rootState{moved: true, known: known, directory: path}
		}
	case "C.chroot", "C.pivot_root":
		e, _ := argument(call, 0)
		if e == nil || !r.known {
			return
		}
		path, known := f.text(e)
		if known && !r.staysInside(path, function.name) {
			r.outside = call
		}
	}
}

// staysInside reports whether the working directory is in the new root: where the process has just gone
// there, or that is the old one. pivot_root(2) moves a working directory that is the old root.
func (r *rootState) staysInside(newRoot, function string) bool {
	switch {
	case newRoot == "/" || newRoot == ".":
		return true
	case !r.moved:
		return false
	}
	return r.directory == newRoot || function == "C.pivot_root" && r.directory == "/"
}

// checkRoot reports a working directory that is still outside where the program starts.
func (f *follower) checkRoot() {
	call := f.state.root.outside
	if f.state.dead || call == nil || f.state.errexit != yes {
		return
	}
	f.add(call.Pos(), Error, nameRootDirectory,
		"the program starts in a directory outside of the new root, which is a way out: "+
			`C.chdir("/") is missing after %s`, f.called(call).name)
}
