//go:build (linux || freebsd) && cgo

package initscript

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-initscript/initscript/internal/trace"
)

// DefaultMemoryLimit is how much memory a script may use where Cmd.MemoryLimit is 0, in bytes.
const DefaultMemoryLimit = 64 << 20

const defaultScriptName = "init.script"

// hostsDirectory is where a child begins whose Cmd names no Dir.
const hostsDirectory = "."

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

	ctx      context.Context
	actor    *actorFiles // nil: a program
	child    *child
	tracer   *trace.Tracer
	stdio    stdio
	watch    chan error // the context's error, if Cancel has been called for it
	expiry   time.Time  // the end of WaitDelay, once the context is done
	stopped  chan struct{}
	stopOnce sync.Once
	waited   bool
	failedAt error
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
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Start starts the command. It returns when the process exists, in its namespaces and with its id
// maps; the script may be running still. Errors: *FieldError, *ServerError, *NamespaceError,
// *IDMapError, *SetupError, or that of the context.
func (c *Cmd) Start() error {
	if c.child != nil || c.failedAt != nil {
		return errors.New("initscript: already started")
	}
	err := c.start()
	if err != nil {
		c.failedAt = err
		c.stdio.closeAll()
	}
	return err
}

func (c *Cmd) start() error {
	ctx := c.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	if c.ctx == nil && c.Cancel != nil {
		return &FieldError{"Cancel", errors.New("is set, but the Cmd was not made by CommandContext")}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	files, err := c.stdio.open(c.Stdin, c.Stdout, c.Stderr)
	if err != nil {
		return err
	}
	null, err := openNull()
	if err != nil {
		return err
	}
	request := &spawnRequest{
		plan: plan{
			script:      c.Script,
			scriptName:  c.scriptName(),
			path:        c.Path,
			args:        c.Args,
			env:         lastOfEachKey(c.Env),
			memoryLimit: c.MemoryLimit,
		},
		namespaces: c.Namespaces,
		uidMap:     c.UIDMap,
		gidMap:     c.GIDMap,
		dir:        c.Dir,
		stdio:      files,
		inbox:      null,
		arg:        c.Arg,
		extraFiles: c.ExtraFiles,
	}
	if c.Dir == "" {
		request.dir = hostsDirectory
	}
	if len(c.Args) == 0 {
		request.plan.args = []string{c.Path}
	}
	if c.actor != nil {
		c.actor.fill(request)
	}
	if c.MemoryLimit == 0 {
		request.plan.memoryLimit = DefaultMemoryLimit
	}
	if err = request.trace(c.Trace); err != nil {
		return err
	}
	c.child, err = spawn(ctx, request)
	if err != nil {
		request.tracer.Abandon()
		return err
	}
	c.tracer = request.tracer
	c.tracer.Follow(c.child.awaitSilence)
	c.Process = &c.child.process
	c.stdio.copy()
	c.watchContext(ctx)
	return nil
}

func (c *Cmd) scriptName() string {
	if c.ScriptName == "" {
		return defaultScriptName
	}
	return c.ScriptName
}

// detach lets the process outlive this one, and the context.
func (c *Cmd) detach() error {
	if c.child.isEnded() {
		return os.ErrProcessDone
	}
	if err := c.child.server.detach(c.child); err != nil {
		return err
	}
	c.stopWatching()
	return nil
}

// stopWatching returns the error of the context, if Cancel has been called for it.
func (c *Cmd) stopWatching() error {
	if c.watch == nil {
		return nil
	}
	c.stopOnce.Do(func() { close(c.stopped) })
	return <-c.watch
}

// watchContext ends the process when the context is done before Wait is.
func (c *Cmd) watchContext(ctx context.Context) {
	if ctx.Done() == nil {
		return
	}
	c.watch, c.stopped = make(chan error, 1), make(chan struct{})
	go func() {
		defer close(c.watch)
		select {
		case <-c.stopped:
			return
		case <-ctx.Done():
		}
		c.expiry = time.Now().Add(c.WaitDelay)
		cancel := c.Cancel
		if cancel == nil {
			cancel = c.Process.Kill
		}
		err := cancel()
		if err == nil {
			c.watch <- ctx.Err()
		} else if !errors.Is(err, os.ErrProcessDone) {
			c.watch <- fmt.Errorf("cancel: %w", err)
		}
		if c.WaitDelay == 0 {
			return
		}
		timer := time.NewTimer(time.Until(c.expiry))
		defer timer.Stop()
		select {
		case <-c.stopped:
		case <-timer.C:
			c.Process.Kill() // a Cancel that was too kind
		}
	}()
}

// WaitScript waits until the script has ended and returns nil if it was successful; whether the
// program can be executed then is for Wait to tell. It may be called, also repeatedly, between Start
// and Wait. The error is the one that Wait will return.
func (c *Cmd) WaitScript() error {
	if c.child == nil {
		return errors.New("initscript: not started")
	}
	return c.child.waitScript()
}

// Wait waits for the end of the process and of the copying to and from it. It returns nil if the
// program ran and its exit status was 0. Errors: *ScriptError, *ExecError, *ExitError,
// *SetupError, *NamespaceError, *ServerError. If Cancel was called because the context was done, the
// error wraps that of the context, or the one that Cancel returned, as well as what has become of the
// process.
func (c *Cmd) Wait() error {
	if c.child == nil {
		return errors.New("initscript: not started")
	}
	if c.waited {
		return errors.New("initscript: Wait was already called")
	}
	c.waited = true
	err := c.child.wait()
	c.tracer.Wait()
	c.ProcessState = c.child.state
	if cancelled := c.stopWatching(); cancelled != nil && err != nil {
		err = fmt.Errorf("%w: %w", cancelled, err)
	} else if cancelled != nil {
		err = cancelled
	}
	if copyErr := c.stdio.wait(c.remainingDelay()); err == nil {
		err = copyErr
	}
	c.child.close()
	return err
}

// remainingDelay returns what is left of WaitDelay, which began when the context was done, if it was.
func (c *Cmd) remainingDelay() time.Duration {
	if c.WaitDelay == 0 || c.expiry.IsZero() {
		return c.WaitDelay
	}
	return max(time.Until(c.expiry), 1)
}

// Output runs the command and returns what it wrote to its standard output. If Stderr is nil, an
// *ExitError carries the end of what it wrote there.
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil {
		return nil, &FieldError{"Stdout", errors.New("already set")}
	}
	var stdout bytes.Buffer
	var stderr *tail
	c.Stdout = &stdout
	if c.Stderr == nil {
		stderr = new(tail)
		c.Stderr = stderr
	}
	err := c.Run()
	var exit *ExitError
	if stderr != nil && errors.As(err, &exit) {
		exit.Stderr = stderr.bytes
	}
	return stdout.Bytes(), err
}

// CombinedOutput runs the command and returns what it wrote to its standard output and error.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil {
		return nil, &FieldError{"Stdout", errors.New("already set")}
	}
	if c.Stderr != nil {
		return nil, &FieldError{"Stderr", errors.New("already set")}
	}
	var output bytes.Buffer
	c.Stdout, c.Stderr = &output, &output
	err := c.Run()
	return output.Bytes(), err
}

// StdinPipe returns a pipe to the standard input. Wait closes it; close it earlier to let the
// program see the end.
func (c *Cmd) StdinPipe() (io.WriteCloser, error) {
	if c.Stdin != nil {
		return nil, &FieldError{"Stdin", errors.New("already set")}
	}
	reader, writer, err := c.pipe()
	if err != nil {
		return nil, err
	}
	c.stdio.hold(reader, writer)
	c.Stdin = reader
	return writer, nil
}

// StdoutPipe returns a pipe from the standard output. Read it to its end before calling Wait,
// which closes it.
func (c *Cmd) StdoutPipe() (io.ReadCloser, error) {
	if c.Stdout != nil {
		return nil, &FieldError{"Stdout", errors.New("already set")}
	}
	reader, writer, err := c.pipe()
	if err != nil {
		return nil, err
	}
	c.stdio.hold(writer, reader)
	c.Stdout = writer
	return reader, nil
}

// StderrPipe is like StdoutPipe, for the standard error.
func (c *Cmd) StderrPipe() (io.ReadCloser, error) {
	if c.Stderr != nil {
		return nil, &FieldError{"Stderr", errors.New("already set")}
	}
	reader, writer, err := c.pipe()
	if err != nil {
		return nil, err
	}
	c.stdio.hold(writer, reader)
	c.Stderr = writer
	return reader, nil
}

func (c *Cmd) pipe() (reader, writer *os.File, err error) {
	if c.child != nil || c.failedAt != nil {
		return nil, nil, errors.New("initscript: already started")
	}
	return os.Pipe()
}
