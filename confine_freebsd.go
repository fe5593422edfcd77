//go:build cgo

package initscript

// apply cannot give the script a descriptor table of its own, which keeps the program's out of its
// reach: a closefrom would close what the Go runtime waits with. So the functions for jails are called
// in children only, where there is no Go yet.
func (c *Confinement) apply() error {
	return &SetupError{Op: "confine", Err: notOnFreeBSD("descriptor tables of single threads: start a child instead")}
}
