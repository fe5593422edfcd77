//go:build cgo

package initscript

import "os"

func confine(script string, arg *os.File) error {
	return (&Confinement{Script: script, Arg: arg}).apply()
}

// apply cannot give the script a descriptor table of its own, which keeps the program's out of its
// reach: a closefrom would close what the Go runtime waits with. So the functions for jails are called
// in children only, where there is no Go yet.
func (c *Confinement) apply() error {
	if err := c.check(); err != nil {
		return err
	}
	const missing = notOnFreeBSD("descriptor tables of single threads: start a child instead")
	return &SetupError{Op: "confine", Err: missing}
}
