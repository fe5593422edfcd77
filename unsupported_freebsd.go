//go:build cgo

package initscript

import "errors"

// notOnFreeBSD names what only Linux has. It is an ErrUnsupported.
type notOnFreeBSD string

func (e notOnFreeBSD) Error() string { return "FreeBSD has no " + string(e) }

func (e notOnFreeBSD) Is(target error) bool {
	return target == ErrUnsupported || target == errors.ErrUnsupported
}
