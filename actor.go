package initscript

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-initscript/initscript/mailbox"
)

// An Actor is a Go function of this program, or a Lua program, in a process of its own, behind an
// init script. Spawn starts what the fields describe and returns the running Actor; the methods are
// for that. Exactly one of Entry, Module and ModuleSource is set.
//
// For an Entry the Go runtime boots after the script in the new process: the package initializers of
// the whole program run there, inside the sandbox, then main up to the call of [Main], which calls the
// entry instead of returning. What the runtime reads from the environment (GOMAXPROCS, GOGC,
// GOMEMLIMIT, GODEBUG, GOTRACEBACK) it takes from Env. What the C library and the dynamic loader read
// at the start of a process (LD_LIBRARY_PATH, GLIBC_TUNABLES, MALLOC_ARENA_MAX) has no effect, since
// the process was started long before.
//
// An Actor lives until its entry returns, at most as long as this process, unless Detach was
// called. It is to be waited for, by Wait, and closed.
type Actor struct {
	// Entry is the name under which the function was registered; see [Register].
	Entry string

	// Module is the path of a Lua program, which the actor opens after the script. So it may be a
	// file that the script has made; a relative path begins at the working directory that the
	// script leaves. ModuleSource is the text of such a program instead. It runs in a LuaJIT
	// state of its own; no Go runtime boots for it, and it needs neither Register nor Main.
	// docs/guide/lua-host.md tells what it finds there.
	Module       string
	ModuleSource string

	// ModuleName is what messages call a ModuleSource; "" means "module".
	ModuleName string

	// ModuleMemoryLimit is how much memory the Lua program may use, in bytes; 0 means no limit.
	// What it allocates through the ffi library does not count.
	ModuleMemoryLimit int64

	// These are as in [Cmd]. Env is what os.Environ returns in the actor, and nil is the empty
	// environment. ExtraFiles are in [Self], and in Lua in the list extra_files. NewTime needs
	// NewPID: it is entered by children.
	Script     string
	ScriptName string
	Arg        *os.File
	Namespaces Namespaces
	UIDMap     []IDMap
	GIDMap     []IDMap
	Env        []string
	Dir        string
	Stdin      io.Reader
	Stdout     io.Writer
	Stderr     io.Writer
	ExtraFiles []*os.File

	// MemoryLimit is that of the script, as in [Cmd], not of the actor.
	MemoryLimit int64

	// WaitDelay is as in [Cmd]. Set it where Stdin, Stdout or Stderr is not an *os.File and the
	// actor is not trusted: without a PID namespace it can leave a process behind that keeps the
	// pipe open, and Wait would wait for that.
	WaitDelay time.Duration

	// Process is the started process.
	Process *Process

	cmd     *Cmd
	channel *mailbox.Channel // to its inbox
	inbox   *mailbox.Inbox   // what it sends to us
	crash   *os.File         // what its Go runtime says at last
	waited  func() error
	over    chan struct{} // closed when cmd.ProcessState is set
}

var entries = struct {
	sync.Mutex
	functions map[string]func(*Self) error
}{functions: make(map[string]func(*Self) error)}

// mainCalled is set by Main: without it the actor would run the program once more.
var mainCalled atomic.Bool

// Register makes a function known as the entry of actors, under a name of its own. It is to be
// called before [Main], usually in an init function, in the same way in every process. When the
// function returns nil, the actor ends with the status 0; an error reaches the host as an
// [ActorError]. Register panics if the name is empty or registered already.
func Register(name string, entry func(self *Self) error) {
	if name == "" || strings.Contains(name, "\x00") || entry == nil {
		const reason = "the name is not usable or the function is nil"
		panic(fmt.Sprintf("initscript: Register(%q): %s", name, reason))
	}
	entries.Lock()
	defer entries.Unlock()
	if entries.functions[name] != nil {
		panic(fmt.Sprintf("initscript: Register(%q): already registered", name))
	}
	entries.functions[name] = entry
}

// Main runs the entry in a process that is an actor, and ends the process then. Everywhere else it
// does nothing. A program that uses Spawn calls it first in its main function, before it parses
// flags, opens files or starts goroutines; its tests call it first in TestMain.
func Main() {
	mainCalled.Store(true)
	runEntry()
}

// Spawn starts an actor. It returns when the script has ended well; meanwhile the Go runtime boots.
// When ctx is done before the actor has ended by itself, the actor is killed, also long after
// Spawn has returned. Errors are those of [Cmd.Start] and [Cmd.Wait].
func Spawn(ctx context.Context, a Actor) (*Actor, error) { return a.spawn(ctx) }

// Send sends a message to the actor; see [mailbox.Channel.Send].
func (a *Actor) Send(ctx context.Context, message any) error { return a.send(ctx, message) }

// Receive returns the next message that the actor sent to its parent. io.EOF means that there will
// be no other one, most often because the actor has ended: Wait tells how.
func (a *Actor) Receive(ctx context.Context) (any, error) { return a.receive(ctx) }

// Channel returns the address of the actor, which can be sent to other actors.
func (a *Actor) Channel() *mailbox.Channel { return a.channel }

// Inbox returns where the messages of the actor arrive.
func (a *Actor) Inbox() *mailbox.Inbox { return a.inbox }

// Pid returns the process id; see [Process].
func (a *Actor) Pid() int { return a.cmd.Process.Pid }

// Signal sends a signal to the actor, through its pidfd.
func (a *Actor) Signal(sig os.Signal) error { return a.signal(sig) }

// Kill sends SIGKILL.
func (a *Actor) Kill() error { return a.kill() }

// Detach lets the actor outlive this process and the context of Spawn. A small process, its fork
// server, stays as its parent until it ends. Everything else works as before, also Wait.
func (a *Actor) Detach() error { return a.detach() }

// Close closes the channels from and to the actor, which sees the end of its input. It goes on
// running until it ends by itself.
func (a *Actor) Close() error { return a.close() }

// Wait waits for the end of the actor. It returns nil if the entry returned nil. Errors:
// *[ActorError], *[ExitError] when it ended in another way, and those of [Cmd.Wait]. It may be
// called more than once, from any goroutine.
func (a *Actor) Wait() error { return a.wait() }

// ProcessState says how the actor ended; nil before Wait has returned.
func (a *Actor) ProcessState() *ProcessState {
	select {
	case <-a.over:
		return a.cmd.ProcessState
	default:
		return nil
	}
}

// Self is what an actor has of the outside world beside its environment and standard streams. Its
// entry gets it.
type Self struct {
	// Entry is the name under which the running function is registered.
	Entry string

	// ExtraFiles are those of the [Actor].
	ExtraFiles []*os.File

	inbox  *mailbox.Inbox
	parent *mailbox.Channel
}

// Receive returns the next message to this actor; see [mailbox.Inbox.Receive]. io.EOF means that nobody
// is left who could send one: the host has called [Actor.Close] or is gone.
func (s *Self) Receive(ctx context.Context) (any, error) { return s.receive(ctx) }

// Send sends a message to the host, where [Actor.Receive] returns it; see [mailbox.Channel.Send].
func (s *Self) Send(ctx context.Context, message any) error { return s.send(ctx, message) }

// Address returns a new channel to this actor, to be sent to others; see [mailbox.Inbox.Address].
func (s *Self) Address() (*mailbox.Channel, error) { return s.address() }

// Inbox returns where the messages to this actor arrive, to set its limit, for example.
func (s *Self) Inbox() *mailbox.Inbox { return s.inbox }

// Parent returns the channel to the host. Sent to others, it lets them talk to the host without this
// actor.
func (s *Self) Parent() *mailbox.Channel { return s.parent }
