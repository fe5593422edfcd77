//go:build (linux || freebsd) && cgo

package initscript

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/go-initscript/initscript/internal/actorself"
	"github.com/go-initscript/initscript/internal/start"
	"github.com/go-initscript/initscript/internal/trace"
	"github.com/go-initscript/initscript/internal/wire"
)

const defaultScriptName = "init.script"

// running is what a Cmd has of its process, and of what connects the two.
type running struct {
	actor    *actorFiles // nil: a program
	child    *start.Child
	tracer   *trace.Tracer
	stdio    stdio
	watch    chan error // the context's error, if Cancel has been called for it
	expiry   time.Time  // the end of WaitDelay, once the context is done
	stopped  chan struct{}
	stopOnce sync.Once
	waited   bool
	failedAt error
}

func (c *Cmd) run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

func (c *Cmd) start() error {
	if c.child != nil || c.failedAt != nil {
		return errors.New("initscript: already started")
	}
	err := c.tryStart()
	if err != nil {
		c.failedAt = err
		c.stdio.closeAll()
	}
	return err
}

func (c *Cmd) tryStart() error {
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
	null, err := actorself.OpenNull()
	if err != nil {
		return err
	}
	if err := c.checkSystem(); err != nil {
		return err
	}
	if err := c.spawn(ctx, c.request(files, null)); err != nil {
		return err
	}
	c.stdio.copy()
	c.watchContext(ctx)
	return nil
}

func (c *Cmd) scriptName() string { return cmp.Or(c.ScriptName, defaultScriptName) }

// detach lets the process outlive this one, and the context.
func (c *Cmd) detach() error {
	if c.child.IsEnded() {
		return os.ErrProcessDone
	}
	if err := c.child.Detach(); err != nil {
		return publicError(err, c)
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

func (c *Cmd) waitScript() error {
	if c.child == nil {
		return errors.New("initscript: not started")
	}
	outcome := c.child.WaitScript()
	// What is wrong with the program came later.
	if outcome.Err == nil && (outcome.ScriptDone || outcome.Last.Kind == wire.ScriptExecs) {
		return nil
	}
	return c.outcome(outcome)
}

func (c *Cmd) wait() error {
	if c.child == nil {
		return errors.New("initscript: not started")
	}
	if c.waited {
		return errors.New("initscript: Wait was already called")
	}
	c.waited = true
	outcome := c.child.Wait()
	err := c.outcome(outcome)
	c.tracer.Wait()
	c.ProcessState = newProcessState(outcome.End)
	if cancelled := c.stopWatching(); cancelled != nil && err != nil {
		err = fmt.Errorf("%w: %w", cancelled, err)
	} else if cancelled != nil {
		err = cancelled
	}
	if copyErr := c.stdio.wait(c.remainingDelay()); err == nil {
		err = copyErr
	}
	c.child.Close()
	return err
}

// remainingDelay returns what is left of WaitDelay, which began when the context was done, if it was.
func (c *Cmd) remainingDelay() time.Duration {
	if c.WaitDelay == 0 || c.expiry.IsZero() {
		return c.WaitDelay
	}
	return max(time.Until(c.expiry), 1)
}

func (c *Cmd) output() ([]byte, error) {
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

func (c *Cmd) combinedOutput() ([]byte, error) {
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

func (c *Cmd) stdinPipe() (io.WriteCloser, error) {
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

func (c *Cmd) stdoutPipe() (io.ReadCloser, error) {
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

func (c *Cmd) stderrPipe() (io.ReadCloser, error) {
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
