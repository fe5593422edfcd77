//go:build (linux || freebsd) && cgo

package initscript

import (
	"errors"
	"strings"

	"github.com/go-initscript/initscript/internal/hint"
	"github.com/go-initscript/initscript/internal/start"
	"golang.org/x/sys/unix"
)

var cloneFlags = []uint32{
	unix.CLONE_NEWUSER, unix.CLONE_NEWNS, unix.CLONE_NEWPID, unix.CLONE_NEWNET,
	unix.CLONE_NEWUTS, unix.CLONE_NEWIPC, unix.CLONE_NEWCGROUP, unix.CLONE_NEWTIME,
}

func (n Namespaces) cloneFlags() uint32 {
	var flags uint32
	for i, flag := range cloneFlags {
		if n&(1<<i) != 0 {
			flags |= flag
		}
	}
	return flags
}

// explain gives the error its hint, from the explanation that the child has sent before it, if any.
func (c *Cmd) explain(err error, explanation start.Record) error {
	begin := hint.Start{
		Namespaces: c.Namespaces.cloneFlags(), HasMaps: len(c.UIDMap) > 0 && len(c.GIDMap) > 0,
	}
	child := hint.DecodeChild(explanation.Fields)
	switch e := err.(type) {
	case *NamespaceError:
		e.Hint = hint.NamespacesRefused(e.Namespaces.cloneFlags(), e.Err).String()
	case *IDMapError:
		ranges := make([]hint.MapRange, len(e.Map))
		for i, m := range e.Map {
			ranges[i] = hint.MapRange(m)
		}
		e.Hint = hint.IDMap(e.File, ranges, e.Err)
	case *ServerError:
		e.Hint = hint.StartRefused(e.Err).String()
	case *SetupError:
		e.Hint = hint.Setup(child, e.Op, e.Err)
	case *ExecError:
		f := hint.Failure{Start: begin, Child: child}
		errors.As(e.Err, &f.Errno)
		e.Hint = f.Program()
	case *ScriptError:
		if e.Func != "" {
			f := hint.Failure{Start: begin, Child: child, Name: e.Func, Args: e.Args, Errno: e.Errno}
			e.Hint = f.Call()
		} else if strings.Contains(e.Message, "undefined symbol: ") {
			e.Hint = hint.UndefinedSymbol()
		}
	}
	return err
}

// checkSystem refuses what this system does not have.
func (c *Cmd) checkSystem() error { return nil }
