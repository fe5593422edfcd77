//go:build (linux || freebsd) && cgo

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/printable"
	"golang.org/x/sys/unix"
)

// statusWriter tells another program, in JSON lines, what happens. A nil one tells nobody.
type statusWriter struct {
	file *os.File
	err  error // of the first write that failed; nothing is written after it
}

// openStatus takes over an inherited descriptor.
func openStatus(fd int) (*statusWriter, error) {
	file, err := openInherited("--status-fd", fd)
	if err != nil {
		return nil, err
	}
	return &statusWriter{file: file}, nil
}

// openInherited takes over the descriptor that the flag names, for writing.
func openInherited(flag string, fd int) (*os.File, error) {
	if fd < 3 {
		return nil, fmt.Errorf("%s %d: 0, 1 and 2 are the program's", flag, fd)
	}
	// exec(2) has closed what had this flag: such a descriptor is one of the Go runtime's.
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return nil, fmt.Errorf("%s %d: not an open descriptor", flag, fd)
	}
	mode, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || mode&unix.O_ACCMODE == unix.O_RDONLY {
		return nil, fmt.Errorf("%s %d: not open for writing", flag, fd)
	}
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), strings.TrimSuffix(strings.TrimPrefix(flag, "--"), "-fd")), nil
}

type startedEvent struct {
	Event string `json:"event"`
	PID   int    `json:"pid"`
}

type scriptDoneEvent struct {
	Event string `json:"event"`
}

type exitedEvent struct {
	Event      string `json:"event"`
	Status     *int   `json:"status,omitempty"`
	Signal     int    `json:"signal,omitempty"`
	SignalName string `json:"signal_name,omitempty"`
	UserMS     int64  `json:"user_ms"`
	SystemMS   int64  `json:"system_ms"`
	MaxRSS     int64  `json:"max_rss"` // bytes
}

type failedEvent struct {
	Event      string   `json:"event"`
	Kind       string   `json:"kind"`
	Message    string   `json:"message"`
	Func       string   `json:"func,omitempty"`
	Args       []string `json:"args,omitempty"`
	Errno      string   `json:"errno,omitempty"`
	Line       int      `json:"line,omitempty"`
	Traceback  string   `json:"traceback,omitempty"`
	Status     *int     `json:"status,omitempty"` // the script ended the process with it
	Signal     int      `json:"signal,omitempty"`
	SignalName string   `json:"signal_name,omitempty"`
	Hint       string   `json:"hint,omitempty"`
}

func (w *statusWriter) started(pid int) { w.write(startedEvent{"started", pid}) }
func (w *statusWriter) scriptDone()     { w.write(scriptDoneEvent{"script-done"}) }

// finished writes the last event: exited, if it is a program or a script that says how, or failed.
func (w *statusWriter) finished(state *initscript.ProcessState, err error) {
	var exit *initscript.ExitError
	if err == nil || errors.As(err, &exit) {
		w.exited(state)
	} else {
		w.failed(err)
	}
}

func (w *statusWriter) exited(state *initscript.ProcessState) {
	event := exitedEvent{
		Event:    "exited",
		UserMS:   state.UserTime().Milliseconds(),
		SystemMS: state.SystemTime().Milliseconds(),
		MaxRSS:   state.MaxRSS(),
	}
	if signal := state.Signal(); signal != 0 {
		event.Signal, event.SignalName = int(signal), unix.SignalName(signal)
	} else {
		status := state.ExitCode()
		event.Status = &status
	}
	w.write(event)
}

func (w *statusWriter) failed(err error) {
	event := failedEvent{Event: "failed", Kind: failureKind(err), Message: failureText(err),
		Hint: initscript.Hint(err)}
	var script *initscript.ScriptError
	if errors.As(err, &script) {
		event.Func, event.Args = script.Func, script.Args
		event.Line, event.Traceback = script.Line, script.Traceback
		if script.Exited != nil {
			status := script.Exited.ExitCode()
			event.Status = &status
		}
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		event.Errno = unix.ErrnoName(errno)
	}
	if signal := endSignal(err); signal != 0 {
		event.Signal, event.SignalName = int(signal), unix.SignalName(signal)
	}
	w.write(event)
}

// failureKind names the type of the error.
func failureKind(err error) string {
	var (
		script    *initscript.ScriptError
		exec      *initscript.ExecError
		namespace *initscript.NamespaceError
		idMap     *initscript.IDMapError
		setup     *initscript.SetupError
		server    *initscript.ServerError
		interrupt *interruptError
	)
	switch {
	case errors.As(err, &script):
		return "script"
	case errors.As(err, &exec):
		return "exec"
	case errors.As(err, &namespace):
		return "namespace"
	case errors.As(err, &idMap):
		return "id-map"
	case errors.As(err, &setup):
		return "setup"
	case errors.As(err, &server):
		return "server"
	case errors.As(err, &interrupt):
		return "interrupt"
	default:
		return "usage"
	}
}

func (w *statusWriter) write(event any) {
	if w == nil || w.err != nil {
		return
	}
	line, err := json.Marshal(event)
	if err == nil {
		_, err = w.file.Write(append(printable.JSON(line), '\n'))
	}
	if err != nil { // the program runs on, and its exit status stays what it is
		w.err = err
		fmt.Fprintf(os.Stderr, "initscript: %s\n", oneLine(err.Error()))
	}
}
