//go:build cgo

package initscript

// apply cannot give the script a descriptor table of its own, which keeps the program's out of its
// reach.
func (c *Confinement) apply() error {
	return &SetupError{Op: "confine", Err: notOnFreeBSD("descriptor tables of single threads: start a child instead")}
}
