//go:build (linux || freebsd) && cgo

package initscript

import (
	"errors"
	"strings"

	"github.com/go-initscript/initscript/internal/hint"
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

// origin is what hints are made of: what the host knows of a start that failed.
type origin hint.Start

func (r *spawnRequest) origin() origin {
	return origin{r.namespaces.cloneFlags(), len(r.uidMap) > 0 && len(r.gidMap) > 0}
}

// explain gives the error its hint. state is the record INITSCRIPT_STATE that the child has sent before it,
// if any.
func (o origin) explain(err error, state record) error {
	child := hint.DecodeChild(state.fields)
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
		f := hint.Failure{Start: hint.Start(o), Child: child}
		errors.As(e.Err, &f.Errno)
		e.Hint = f.Program()
	case *ScriptError:
		if e.Func != "" {
			f := hint.Failure{Start: hint.Start(o), Child: child, Name: e.Func, Args: e.Args, Errno: e.Errno}
			e.Hint = f.Call()
		} else if strings.Contains(e.Message, "undefined symbol: ") {
			e.Hint = hint.UndefinedSymbol()
		}
	}
	return err
}

// checkSystem refuses what this system does not have.
func (r *spawnRequest) checkSystem() error { return nil }

// openDirectory opens a directory that need not be readable.
func openDirectory(path string) (int, error) {
	return unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}
