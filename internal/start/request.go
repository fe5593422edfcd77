// Package start starts one child, on the host's side: what the child is told, its birth, its id
// maps, what it says of its script, and how it ends.
package start

import (
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/go-initscript/initscript/internal/wire"
)

// MaxExtraFiles is how many fit into one message beside the plan, stdio, inbox, arg and hidden files.
const MaxExtraFiles = wire.MaxDescriptors - 6 - wire.HiddenFiles

// Request is a start with everything resolved.
type Request struct {
	Plan           Plan
	Namespaces     uint32 // CLONE_NEW*
	UIDMap, GIDMap string // as the kernel reads them; "": none
	Dir            string // "": the host's
	Stdio          [3]*os.File
	Inbox          *os.File
	Arg            *os.File // nil: none
	ExtraFiles     []*os.File
	HiddenFiles    []*os.File // in the order of wire.HiddenParent and its followers
	Ring           *int       // the memfd of a trace; nil: the script is not traced

	Program        slog.Attr // what follows the script, for logs
	NamespaceNames string    // likewise
}

// Plan holds what one child must know and the server need not; see struct initscript_plan.
type Plan struct {
	Script, ScriptName string
	Path               string
	Entry              string // of an actor in Go
	IsLua              bool   // an actor in Lua
	Module             string // the path of its program
	ModuleSource       string // or its text
	ModuleName         string // what messages call it
	Args, Env          []string
	MemoryLimit        int64 // bytes, like the next one
	ModuleMemoryLimit  int64
}

// isActor reports whether what comes after the script is from an actor.
func (p *Plan) isActor() bool { return p.Entry != "" || p.IsLua }

// End says how a process ended, and what it and the children that it has waited for used.
type End struct {
	Pid                  int
	Status               syscall.WaitStatus
	Usage                syscall.Rusage
	UserTime, SystemTime time.Duration
	MaxRSS               int64 // bytes
}

// String returns the status in the words of os/exec.
func (e *End) String() string {
	if e.Status.Signaled() {
		text := "signal: " + e.Status.Signal().String()
		if e.Status.CoreDump() {
			text += " (core dumped)"
		}
		return text
	}
	return fmt.Sprintf("exit status %d", e.Status.ExitStatus())
}

// Outcome holds what is known of a child so far.
type Outcome struct {
	Err         error  // why the rest is not known: the server has ended, or there was no child
	Last        Record // the newest that tells of the script; the zero Record while it runs
	Explanation Record // what may explain Last, if that is a failure
	ScriptDone  bool   // the script has succeeded, whatever came after it
	End         *End   // nil while the child runs
}

// DirectoryError says that the child cannot begin in its directory.
type DirectoryError struct{ Err *os.PathError }

func (e *DirectoryError) Error() string { return e.Err.Error() }
func (e *DirectoryError) Unwrap() error { return e.Err }

// NamespaceError says that the kernel refused the namespaces.
type NamespaceError struct{ Err error }

func (e *NamespaceError) Error() string { return "create namespaces: " + e.Err.Error() }
func (e *NamespaceError) Unwrap() error { return e.Err }

// IDMapError says that the kernel refused an id map.
type IDMapError struct {
	File string // of /proc/PID: "uid_map", "gid_map" or "setgroups"
	Err  error
}

func (e *IDMapError) Error() string { return "write " + e.File + ": " + e.Err.Error() }
func (e *IDMapError) Unwrap() error { return e.Err }

// SetupError is any other system call of the launcher that failed.
type SetupError struct {
	Op  string
	Err error
}

func (e *SetupError) Error() string { return e.Op + ": " + e.Err.Error() }
func (e *SetupError) Unwrap() error { return e.Err }
