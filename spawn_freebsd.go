//go:build cgo

package initscript

import (
	"errors"

	"github.com/go-initscript/initscript/internal/start"
)

func (n Namespaces) cloneFlags() uint32 { return 0 }

// explain gives the error its hint. There are none on FreeBSD.
func (c *Cmd) explain(err error, _ start.Record) error { return err }

// checkSystem refuses what this system does not have.
func (c *Cmd) checkSystem() error {
	switch {
	case c.Namespaces != 0:
		return &FieldError{"Namespaces", notOnFreeBSD("namespaces: use jails, C.jail_set in the script")}
	case len(c.UIDMap) > 0:
		return &FieldError{"UIDMap", notOnFreeBSD("user namespaces")}
	case len(c.GIDMap) > 0:
		return &FieldError{"GIDMap", notOnFreeBSD("user namespaces")}
	}
	return nil
}

// notOnFreeBSD names what only Linux has. It is an ErrUnsupported.
type notOnFreeBSD string

func (e notOnFreeBSD) Error() string { return "FreeBSD has no " + string(e) }

func (e notOnFreeBSD) Is(target error) bool {
	return target == ErrUnsupported || target == errors.ErrUnsupported
}
