package initscript

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/go-initscript/initscript/internal/errtext"
)

// A FieldError is a field of a [Cmd] that cannot be used. Nothing was started.
type FieldError struct {
	Field string // for example "Env[2]"
	Err   error
}

func (e *FieldError) Error() string { return fmt.Sprintf("%s: %v", e.Field, e.Err) }
func (e *FieldError) Unwrap() error { return e.Err }

// A ServerError says that the fork server could not be started, did not answer or died. A later
// start begins with a new server.
type ServerError struct {
	Op   string // what was tried, for example "start fork server"
	Err  error
	Hint string // see ScriptError.Hint
}

func (e *ServerError) Error() string { return fmt.Sprintf("%s: %v", e.Op, e.Err) }
func (e *ServerError) Unwrap() error { return e.Err }

// A NamespaceError says that the kernel refused to create the namespaces.
type NamespaceError struct {
	Namespaces Namespaces
	Err        error  // the errno of clone(2) or unshare(2)
	Hint       string // see ScriptError.Hint
}

func (e *NamespaceError) Error() string {
	return fmt.Sprintf("create namespaces %s: %s", e.Namespaces, errtext.Errno(e.Err))
}
func (e *NamespaceError) Unwrap() error { return e.Err }

// An IDMapError says that the kernel refused an id map.
type IDMapError struct {
	File string // "uid_map", "gid_map" or "setgroups"
	Map  []IDMap
	Err  error
	Hint string // see ScriptError.Hint
}

func (e *IDMapError) Error() string {
	return fmt.Sprintf("write %s %q: %s", e.File, formatIDMap(e.Map), errtext.Errno(e.Err))
}
func (e *IDMapError) Unwrap() error { return e.Err }

// A SetupError is any other system call of the launcher that failed in the child before the
// program was executed.
type SetupError struct {
	Op   string // the system call
	Err  error
	Hint string // see ScriptError.Hint
}

func (e *SetupError) Error() string {
	return fmt.Sprintf("set up child: %s: %s", e.Op, errtext.Errno(e.Err))
}
func (e *SetupError) Unwrap() error { return e.Err }

// An ExecError says that the script succeeded and the program could not be executed.
type ExecError struct {
	Path        string // as looked up
	Interpreter string // what is missing, when Path exists and its interpreter or loader does not
	Err         error
	Hint        string // see ScriptError.Hint
}

func (e *ExecError) Error() string {
	if e.Interpreter != "" {
		return fmt.Sprintf("exec %s: its interpreter %s is not there", e.Path, e.Interpreter)
	}
	if errors.Is(e.Err, syscall.ENOENT) && !strings.Contains(e.Path, "/") {
		return fmt.Sprintf("exec %s: not found in the PATH of the given environment", e.Path)
	}
	return fmt.Sprintf("exec %s: %s", e.Path, errtext.Errno(e.Err))
}
func (e *ExecError) Unwrap() error { return e.Err }

// NotFound reports whether the program does not exist, as opposed to one that is there and cannot
// be executed: the difference between the exit statuses 127 and 126 of a shell.
func (e *ExecError) NotFound() bool {
	return e.Interpreter == "" && errors.Is(e.Err, syscall.ENOENT)
}

// A ScriptError says that the init script failed, or that it ended the process by itself. The program
// was not executed.
type ScriptError struct {
	ScriptName string
	Line       int           // of the script, also when what it has loaded failed; 0 when not known
	Func       string        // the failed call, for example "mount"; "" when no call failed
	Args       []string      // its arguments as Lua would write them; long strings are cut
	Errno      syscall.Errno // of the call; 0 when no call failed
	Message    string        // the text of a Lua error or a load error
	Traceback  string
	Signal     syscall.Signal // what killed the process while the script ran; 0 otherwise
	Exited     *ProcessState  // how the script ended the process, as os.exit does; nil otherwise
	Hint       string         // cause and fix, in one line, when the facts show them; "" otherwise
}

func (e *ScriptError) Error() string {
	where := e.ScriptName
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d", where, e.Line)
	}
	switch {
	case e.Func != "":
		call := fmt.Sprintf("%s(%s)", e.Func, strings.Join(e.Args, ", "))
		return fmt.Sprintf("%s: %s: %s", where, call, errtext.Errno(e.Errno))
	case e.Signal != 0:
		return fmt.Sprintf("%s: killed by signal: %v", where, e.Signal)
	case e.Exited != nil:
		const text = "the script has ended the process with status %d; what was to follow did not run"
		return fmt.Sprintf("%s: "+text, where, e.Exited.ExitCode())
	case strings.HasPrefix(e.Message, where+":"):
		return e.Message
	default:
		return where + ": " + e.Message
	}
}

// Unwrap returns Errno, so that errors.Is(err, unix.EPERM) works; nil when no call failed.
func (e *ScriptError) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

// An ExitError says that the program ran and was not successful.
type ExitError struct {
	*ProcessState
	Stderr []byte // its end, if [Cmd.Output] was used and Cmd.Stderr was nil
}

func (e *ExitError) Error() string { return e.ProcessState.String() }

// An ActorError says that the entry of an [Actor] returned an error, or that its Go runtime ended
// the process: by a panic in any goroutine, or a fatal error such as a deadlock. For a Lua program it
// is the error that nothing there caught. All texts come from the actor, which may be in the hands
// of an attacker.
type ActorError struct {
	Entry   string // the Module or ModuleName of a Lua program
	Message string // of the error, or "panic: ..." or "fatal error: ..."
	Stack   string // of the goroutines, after a panic or a fatal error; a Lua traceback
}

func (e *ActorError) Error() string { return fmt.Sprintf("actor %s: %s", e.Entry, e.Message) }

// ErrUnsupported is what every function and method returns that starts, confines or sends something,
// where init scripts cannot run: in programs that are built for another system than Linux and FreeBSD.
// Such a program compiles, so that this is for it to decide at run time. The errors wrap it, and it
// wraps [errors.ErrUnsupported].
//
// On Linux and FreeBSD a program without cgo does not compile, lest a missing C compiler makes one that
// confines nothing. Who wants that program all the same asks for it with a build tag:
//
//	CGO_ENABLED=0 go build -tags initscript_unsupported
var ErrUnsupported = errtext.ErrUnsupported
