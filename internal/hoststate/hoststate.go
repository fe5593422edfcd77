//go:build linux || (freebsd && cgo)

// Package hoststate compares what a child would inherit from the calling thread now with what it would
// have inherited before.
package hoststate

// First returns the state that later ones are compared with, and what reads them. One that cannot be
// read equals no later one.
func First() (State, *Files) {
	unknown := State{status: "unknown"}
	files, err := open()
	if err != nil {
		return unknown, nil
	}
	state, err := files.Read(nil)
	if err != nil {
		return unknown, files
	}
	return state, files
}
