//go:build !((linux || freebsd) && cgo)

// In these files is the part of the API that needs the fork server or the script environment, for
// programs that are built without both. Its documentation is in the files of the same declarations
// for Linux; a test compares them.

package initscript

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/go-initscript/initscript/internal/errtext"
)

// unsupported names the call that has failed.
func unsupported(function string) error {
	return errtext.Unsupported("initscript", function)
}

const DefaultMemoryLimit = 64 << 20

type Cmd struct {
	Path           string
	Args           []string
	Script         string
	ScriptName     string
	Arg            *os.File
	Namespaces     Namespaces
	UIDMap, GIDMap []IDMap
	Env            []string
	Dir            string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	ExtraFiles     []*os.File
	MemoryLimit    int64
	Trace          func(TraceEvent)
	Cancel         func() error
	WaitDelay      time.Duration
	Process        *Process
	ProcessState   *ProcessState
}

func Command(name string, arg ...string) *Cmd {
	return &Cmd{Path: name, Args: append([]string{name}, arg...)}
}

func CommandContext(ctx context.Context, name string, arg ...string) *Cmd {
	if ctx == nil {
		panic("initscript: nil Context")
	}
	return Command(name, arg...)
}

func (c *Cmd) String() string {
	if len(c.Args) == 0 {
		return c.Path
	}
	return strings.Join(append([]string{c.Path}, c.Args[1:]...), " ")
}

func (c *Cmd) Run() error                         { return unsupported("Run") }
func (c *Cmd) Start() error                       { return unsupported("Start") }
func (c *Cmd) WaitScript() error                  { return unsupported("WaitScript") }
func (c *Cmd) Wait() error                        { return unsupported("Wait") }
func (c *Cmd) Output() ([]byte, error)            { return nil, unsupported("Output") }
func (c *Cmd) CombinedOutput() ([]byte, error)    { return nil, unsupported("CombinedOutput") }
func (c *Cmd) StdinPipe() (io.WriteCloser, error) { return nil, unsupported("StdinPipe") }
func (c *Cmd) StdoutPipe() (io.ReadCloser, error) { return nil, unsupported("StdoutPipe") }
func (c *Cmd) StderrPipe() (io.ReadCloser, error) { return nil, unsupported("StderrPipe") }

// Nothing makes a Process or a ProcessState.
type Process struct{ Pid int }

func (p *Process) Signal(sig os.Signal) error { return unsupported("Signal") }
func (p *Process) Kill() error                { return unsupported("Kill") }
func (p *Process) PidFD() (*os.File, error)   { return nil, unsupported("PidFD") }

type ProcessState struct{}

func (s *ProcessState) Pid() int                  { return 0 }
func (s *ProcessState) Exited() bool              { return false }
func (s *ProcessState) Success() bool             { return false }
func (s *ProcessState) ExitCode() int             { return -1 }
func (s *ProcessState) Signal() syscall.Signal    { return 0 }
func (s *ProcessState) Sys() any                  { return nil }
func (s *ProcessState) SysUsage() any             { return nil }
func (s *ProcessState) UserTime() time.Duration   { return 0 }
func (s *ProcessState) SystemTime() time.Duration { return 0 }
func (s *ProcessState) MaxRSS() int64             { return 0 }
func (s *ProcessState) String() string            { return "<nil>" }

type Confinement struct {
	Script      string
	ScriptName  string
	Arg         *os.File
	MemoryLimit int64
}

func Confine(script string, arg *os.File) error { return unsupported("Confine") }
func (c *Confinement) Apply() error             { return unsupported("Apply") }

// What these prepare or drop is not there.
func RenewServer() error       { return nil }
func SetLogger(l *slog.Logger) {}
