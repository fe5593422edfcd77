//go:build (linux || freebsd) && cgo

package initscript

// #include "csrc/util_fds.h"
import "C"

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/go-initscript/initscript/internal/forkserver"
	"github.com/go-initscript/initscript/internal/lazyregexp"
	"github.com/go-initscript/initscript/internal/start"
	"github.com/go-initscript/initscript/internal/trace"
	"github.com/go-initscript/initscript/internal/wire"
)

func renewServer() error { return new(origin).publicError(forkserver.Renew()) }

// request returns the start of the Cmd, which check has found nothing wrong with.
func (c *Cmd) request(files [3]*os.File, null *os.File) *start.Request {
	r := &start.Request{
		Plan: start.Plan{
			Script:      c.Script,
			ScriptName:  c.scriptName(),
			Path:        c.Path,
			Args:        c.Args,
			Env:         lastOfEachKey(c.Env),
			MemoryLimit: c.MemoryLimit,
		},
		Namespaces:     c.Namespaces.cloneFlags(),
		UIDMap:         formatIDMap(c.UIDMap),
		GIDMap:         formatIDMap(c.GIDMap),
		Dir:            c.Dir,
		Stdio:          files,
		Inbox:          null,
		Arg:            c.Arg,
		ExtraFiles:     c.ExtraFiles,
		Program:        slog.String("program", c.Path),
		NamespaceNames: c.Namespaces.String(),
	}
	if len(c.Args) == 0 {
		r.Plan.Args = []string{c.Path}
	}
	if c.MemoryLimit == 0 {
		r.Plan.MemoryLimit = DefaultMemoryLimit
	}
	if c.actor != nil {
		c.actor.fill(r)
	}
	return r
}

// lastOfEachKey drops what a later entry replaces, as os/exec does. Most programs, and the search of
// PATH, would take the first.
func lastOfEachKey(env []string) []string {
	last := make(map[string]int, len(env))
	for i, entry := range env {
		key, _, _ := strings.Cut(entry, "=")
		last[key] = i
	}
	if len(last) == len(env) {
		return env
	}
	kept := make([]string, 0, len(last))
	for i, entry := range env {
		if key, _, _ := strings.Cut(entry, "="); last[key] == i {
			kept = append(kept, entry)
		}
	}
	return kept
}

// spawn starts the child. The error has its hint.
func (c *Cmd) spawn(ctx context.Context, r *start.Request) (err error) {
	if c.tracer, err = c.trace(r); err == nil {
		c.child, err = start.Start(ctx, r)
	}
	if err != nil {
		c.tracer.Abandon()
		return c.origin.explain(c.origin.publicError(err), start.Record{})
	}
	c.tracer.Follow(c.child.AwaitSilence)
	c.Process = &Process{Pid: c.child.Process.Pid(), process: &c.child.Process}
	return nil
}

// origin is what errors are made of: what was asked for at the start. The fields of the Cmd may have
// changed since then.
type origin struct {
	scriptName     string
	hasProgram     bool // something was to follow the script
	namespaces     Namespaces
	uidMap, gidMap []IDMap
}

func (c *Cmd) newOrigin() origin {
	return origin{
		scriptName: c.scriptName(),
		hasProgram: c.Path != "" || c.actor != nil,
		namespaces: c.Namespaces,
		uidMap:     c.UIDMap,
		gidMap:     c.GIDMap,
	}
}

// publicError returns what users know an error of the layers below as.
func (o *origin) publicError(err error) error {
	switch e := err.(type) {
	case *forkserver.Error:
		return &ServerError{Op: e.Op, Err: e.Err}
	case *start.DirectoryError:
		return &FieldError{"Dir", e.Err}
	case *start.NamespaceError:
		return &NamespaceError{Namespaces: o.namespaces, Err: e.Err}
	case *start.IDMapError:
		idMap := o.gidMap
		if e.File == "uid_map" {
			idMap = o.uidMap
		}
		return &IDMapError{File: e.File, Map: idMap, Err: e.Err}
	case *start.SetupError:
		return &SetupError{Op: e.Op, Err: e.Err}
	}
	return err
}

// outcome makes an error of the last report and of the exit status, if there is one yet.
func (o *origin) outcome(known *start.Outcome) error {
	if known.Err != nil {
		return o.publicError(known.Err)
	}
	return o.explain(o.rawOutcome(&known.Last, known.End), known.Explanation)
}

func (o *origin) rawOutcome(last *start.Record, end *start.End) error {
	state := newProcessState(end)
	switch last.Kind {
	case wire.SetupFailed:
		return o.publicError(last.SetupError())
	case wire.ExecFailed:
		return &ExecError{Path: last.Field(0), Interpreter: last.Field(1), Err: last.Err}
	case wire.CallFailed, wire.ScriptFailed, wire.LoadFailed, wire.MemoryExhausted:
		return scriptError(last, o.scriptName)
	case wire.EntryFailed:
		return &ActorError{Message: last.Field(0), Stack: last.Field(1)}
	case wire.ScriptDone, wire.ScriptExecs:
	default:
		// Without a word the script has ended the process, or a signal has.
		if state != nil && state.Signal() != 0 {
			return &ScriptError{ScriptName: o.scriptName, Signal: state.Signal()}
		}
		if state != nil && o.hasProgram {
			return &ScriptError{ScriptName: o.scriptName, Exited: state}
		}
	}
	if state == nil || state.Success() {
		return nil
	}
	return &ExitError{ProcessState: state}
}

// linePattern is for messages of the parser, which all begin with the place.
var linePattern = lazyregexp.New(`^[^\n]*?:(\d+): `)

// lineInMessage is for messages that the script may have made: they need not have a place, and then
// can look as if they had.
func lineInMessage(message, scriptName string) (line int, ok bool) {
	rest, ok := strings.CutPrefix(message, scriptName+":")
	number, _, found := strings.Cut(rest, ": ")
	line, err := strconv.Atoi(number)
	return line, ok && found && err == nil && line > 0
}

// scriptError makes an error of the record of a script that has failed.
func scriptError(r *start.Record, scriptName string) *ScriptError {
	e := &ScriptError{ScriptName: scriptName, Line: r.Line}
	switch r.Kind {
	case wire.CallFailed:
		e.Func, e.Traceback, e.Errno = r.Field(0), r.Field(1), r.Err
		if len(r.Fields) > 2 {
			e.Args = r.Fields[2:]
		}
	case wire.LoadFailed:
		e.Message = r.Field(0)
		if match := linePattern().FindStringSubmatch(e.Message); match != nil {
			e.Line, _ = strconv.Atoi(match[1])
		}
	case wire.ScriptFailed:
		e.Message, e.Traceback = r.Field(0), r.Field(1)
		if line, ok := lineInMessage(e.Message, scriptName); ok {
			e.Line = line
		}
	case wire.MemoryExhausted:
		e.Message, e.Errno = "the script's memory limit is exhausted", r.Err
	}
	return e
}

// trace has the script's calls told to Cmd.Trace, if that is not nil.
func (c *Cmd) trace(r *start.Request) (*trace.Tracer, error) {
	if c.Trace == nil {
		return nil, nil
	}
	name, handle := c.scriptName(), c.Trace
	tracer, err := trace.New(descriptorNames(r), func(e trace.Event) {
		handle(TraceEvent{name, e.Line, e.Func, e.Args, e.Results, e.Errno, TraceEnd(e.End),
			e.Start, e.Duration, e.Lost})
	})
	if err != nil {
		return nil, &SetupError{Op: "trace", Err: err}
	}
	ring := tracer.Memfd()
	r.Ring = &ring
	return tracer, nil
}

// descriptorNames tells what a script's first descriptors are, in the words of /proc/self/fd.
func descriptorNames(r *start.Request) map[int]string {
	names := make(map[int]string)
	note := func(fd int, file *os.File) {
		if name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", file.Fd())); err == nil {
			names[fd] = name
		}
	}
	for fd, file := range r.Stdio {
		note(fd, file)
	}
	note(C.INITSCRIPT_INBOX_FD, r.Inbox)
	if r.Arg != nil {
		note(C.INITSCRIPT_ARG_FD, r.Arg)
	}
	for i, file := range r.ExtraFiles {
		note(C.INITSCRIPT_EXTRA_FD+i, file)
	}
	return names
}
