package initscript

import (
	"context"
	"io"
	"os"
	"strings"
	"time"
)

// DefaultMemoryLimit is how much memory a script may use where Cmd.MemoryLimit is 0, in bytes.
const DefaultMemoryLimit = 64 << 20

// Cmd is a program behind an init script, in preparation or running. It is used like an
// os/exec.Cmd and, like that, cannot be reused after Start. All signals have their default
// dispositions in the child, also those that the host ignores. Different Cmds may be used from any
// number of goroutines.
type Cmd struct {
	// Path is the program that is executed after the script. Without a slash it is looked up in
	// the PATH of Env, by the child, below the root directory that the script made. "" means
	// that the process ends after the script.
	Path string

	// Args is the argument vector, with the program's name first; an empty one means {Path}.
	Args []string

	// Script is the source text of the init script. An empty script does nothing.
	Script string

	// ScriptName is what messages call the script; "" means "init.script".
	ScriptName string

	// Arg, if not nil, is passed to the script: the global arg is its descriptor there. The
	// host's file stays open.
	Arg *os.File

	// Namespaces are created before the script starts. With NewPID the script runs as PID 1,
	// which afterwards forwards SIGTERM, SIGUSR1, SIGUSR2, SIGHUP, SIGINT and SIGRTMIN+4 to the
	// program, reaps orphans, and ends as the program does (128+n for signal n).
	Namespaces Namespaces

	// UIDMap and GIDMap are written by the host before the script starts; they need NewUser.
	// setgroups(2) is denied first if the kernel demands it. An unprivileged host can map its
	// own ids only.
	UIDMap, GIDMap []IDMap

	// Env is the environment of the program, "key=value" each. The last of several values for one
	// key counts. Unlike in os/exec, nil is the empty environment. The script itself sees none.
	Env []string

	// Dir is the working directory in which the script starts; "" means the host's.
	Dir string

	// Stdin, Stdout and Stderr are those of the script and the program. nil is the null device.
	// What is not an *os.File is copied through a pipe by a goroutine; Wait waits for it. The
	// same value in Stdout and Stderr gets one pipe.
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// ExtraFiles are passed to the program: entry i becomes descriptor 3+i. While the script
	// runs it is 5+i, close-on-exec.
	ExtraFiles []*os.File

	// MemoryLimit is how much memory the script may use, in bytes; 0 means DefaultMemoryLimit.
	MemoryLimit int64

	// Trace, if not nil, is called for every call that the script makes through the table C and the
	// helpers, shortly after it has ended, in order, from one goroutine. All calls of it are over
	// when Wait returns. The script behaves as if it were not traced: it makes no system call for
	// it, so also what it calls behind a seccomp filter or Landlock is seen. If Trace is too slow for
	// the script, events are lost, and counted in TraceEvent.Lost. See TraceText and TraceJSON.
	Trace func(TraceEvent)

	// Cancel is called when the context of CommandContext is done; nil kills the process. If it
	// returns os.ErrProcessDone, Wait returns what it would have returned without.
	Cancel func() error

	// WaitDelay bounds the time that Wait spends after the context is done, or after the
	// process has ended, on pipes that some other process keeps open; 0 means no bound. Then
	// they are closed and Wait returns exec.ErrWaitDelay if there is no other error.
	WaitDelay time.Duration

	// Process is the started process.
	Process *Process

	// ProcessState is set by Wait when the process has ended.
	ProcessState *ProcessState

	ctx     context.Context // nil: Command has made this
	running                 // how the process and its pipes are reached
}

// Command returns the Cmd that runs name with the given arguments behind an empty script.
func Command(name string, arg ...string) *Cmd {
	return &Cmd{Path: name, Args: append([]string{name}, arg...)}
}

// CommandContext is like Command; the process is killed when ctx is done before it has ended by
// itself, in whatever state it is: also while the script runs.
func CommandContext(ctx context.Context, name string, arg ...string) *Cmd {
	if ctx == nil {
		panic("initscript: nil Context")
	}
	cmd := Command(name, arg...)
	cmd.ctx = ctx
	return cmd
}

// String returns the program and its arguments for display.
func (c *Cmd) String() string {
	if len(c.Args) == 0 {
		return c.Path
	}
	return strings.Join(append([]string{c.Path}, c.Args[1:]...), " ")
}

// Run starts the command and waits for its end.
func (c *Cmd) Run() error { return c.run() }

// Start starts the command. It returns when the process exists, in its namespaces and with its id
// maps; the script may be running still. Errors: *FieldError, *ServerError, *NamespaceError,
// *IDMapError, *SetupError, or that of the context.
func (c *Cmd) Start() error { return c.start() }

// WaitScript waits until the script has ended and returns nil if it was successful; whether the
// program can be executed then is for Wait to tell. It may be called, also repeatedly, between Start
// and Wait. The error is the one that Wait will return.
func (c *Cmd) WaitScript() error { return c.waitScript() }

// Wait waits for the end of the process and of the copying to and from it. It returns nil if the
// program ran and its exit status was 0. Errors: *ScriptError, *ExecError, *ExitError,
// *SetupError, *NamespaceError, *ServerError. If Cancel was called because the context was done, the
// error wraps that of the context, or the one that Cancel returned, as well as what has become of the
// process.
func (c *Cmd) Wait() error { return c.wait() }

// Output runs the command and returns what it wrote to its standard output. If Stderr is nil, an
// *ExitError carries the end of what it wrote there.
func (c *Cmd) Output() ([]byte, error) { return c.output() }

// CombinedOutput runs the command and returns what it wrote to its standard output and error.
func (c *Cmd) CombinedOutput() ([]byte, error) { return c.combinedOutput() }

// StdinPipe returns a pipe to the standard input. Wait closes it; close it earlier to let the
// program see the end.
func (c *Cmd) StdinPipe() (io.WriteCloser, error) { return c.stdinPipe() }

// StdoutPipe returns a pipe from the standard output. Read it to its end before calling Wait,
// which closes it.
func (c *Cmd) StdoutPipe() (io.ReadCloser, error) { return c.stdoutPipe() }

// StderrPipe is like StdoutPipe, for the standard error.
func (c *Cmd) StderrPipe() (io.ReadCloser, error) { return c.stderrPipe() }
