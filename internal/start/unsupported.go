//go:build !((linux || freebsd) && cgo)

package start

import (
	"os"

	"github.com/go-initscript/initscript/internal/errtext"
)

// Process is of no child, since none can be started. Its methods are those of initscript.Process.
type Process struct{}

func unsupported(function string) error { return errtext.Unsupported("initscript", function) }

func (p *Process) Signal(os.Signal) error   { return unsupported("Signal") }
func (p *Process) Kill() error              { return unsupported("Kill") }
func (p *Process) PidFD() (*os.File, error) { return nil, unsupported("PidFD") }
