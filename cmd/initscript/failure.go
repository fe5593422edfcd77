//go:build (linux || freebsd) && cgo

package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/printable"
	"golang.org/x/sys/unix"
)

// Exit statuses of a shell, and of the commands that run another one.
const (
	statusFailed        = 125 // the script, the set-up or the command line
	statusNotExecutable = 126
	statusNotFound      = 127
	statusSignalBase    = 128
)

// interruptError says that a signal to this command ended the script.
type interruptError struct{ signal syscall.Signal }

func (e *interruptError) Error() string {
	return fmt.Sprintf("%s while the script was running", unix.SignalName(e.signal))
}

// endSignal returns the signal that ended the process, or 0.
func endSignal(err error) syscall.Signal {
	var interrupt *interruptError
	var script *initscript.ScriptError
	var exit *initscript.ExitError
	switch {
	case errors.As(err, &interrupt):
		return interrupt.signal
	case errors.As(err, &script):
		return script.Signal
	case errors.As(err, &exit):
		return exit.Signal()
	}
	return 0
}

// exitStatus returns the status with which this command ends.
func exitStatus(err error) int {
	var exec *initscript.ExecError
	var exit *initscript.ExitError
	var script *initscript.ScriptError
	switch signal := endSignal(err); {
	case err == nil:
		return 0
	case signal != 0:
		return statusSignalBase + int(signal)
	case errors.As(err, &exit):
		return exit.ExitCode()
	case errors.As(err, &script) && script.Exited != nil: // os.exit; as in Emilua
		return script.Exited.ExitCode()
	case errors.Is(err, foundError{}):
		return statusFound
	case errors.As(err, &exec) && exec.NotFound():
		return statusNotFound
	case errors.As(err, &exec):
		return statusNotExecutable
	default:
		return statusFailed
	}
}

// endedByScript reports whether the script has ended the process, as with os.exit: as in Emilua, that is
// told by the status alone.
func endedByScript(err error) bool {
	var script *initscript.ScriptError
	return errors.As(err, &script) && script.Exited != nil
}

// flagOfField tells users of the command what a field of initscript.Cmd is called here.
var flagOfField = map[string]string{
	"Dir":        "--chdir",
	"Script":     "script",
	"ScriptName": "script",
	"Path":       "program",
}

// failureText returns one line with the cause, or "" if there is nothing to say: a program speaks
// for itself, and so do the mistakes in a script.
func failureText(err error) string {
	var exit *initscript.ExitError
	if err == nil || errors.As(err, &exit) || errors.Is(err, foundError{}) {
		return ""
	}
	text := err.Error()
	var field *initscript.FieldError
	if errors.As(err, &field) && flagOfField[field.Field] != "" {
		text = fmt.Sprintf("%s: %v", flagOfField[field.Field], field.Err)
	}
	return oneLine(text)
}

// oneLine shows control characters instead of obeying them.
func oneLine(text string) string { return printable.Line(strings.TrimRight(text, "\n")) }
