//go:build (linux || freebsd) && cgo

package initscript

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
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
// For an Entry the Go runtime boots after the script in the new process: the package initializers of the whole
// program run there, inside the sandbox, then main up to the call of [Main], which calls the entry
// instead of returning. What the runtime reads from the environment (GOMAXPROCS, GOGC, GOMEMLIMIT,
// GODEBUG, GOTRACEBACK) it takes from Env. What the C library and the dynamic loader read at the
// start of a process (LD_LIBRARY_PATH, GLIBC_TUNABLES, MALLOC_ARENA_MAX) has no effect, since the
// process was started long before.
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
		panic(fmt.Sprintf("initscript: Register(%q): the name is not usable or the function is nil", name))
	}
	entries.Lock()
	defer entries.Unlock()
	if entries.functions[name] != nil {
		panic(fmt.Sprintf("initscript: Register(%q): already registered", name))
	}
	entries.functions[name] = entry
}

func findEntry(name string) (func(*Self) error, error) {
	entries.Lock()
	defer entries.Unlock()
	if entry := entries.functions[name]; entry != nil {
		return entry, nil
	}
	known := make([]string, 0, len(entries.functions))
	for name := range entries.functions {
		known = append(known, name)
	}
	slices.Sort(known)
	return nil, fmt.Errorf("%q is not registered; registered are %q", name, known)
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
func Spawn(ctx context.Context, a Actor) (*Actor, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	a.prepare(ctx)
	if err := a.start(); err != nil {
		return nil, err
	}
	a.Process = a.cmd.Process
	return &a, nil
}

func (a *Actor) prepare(ctx context.Context) {
	cmd := CommandContext(ctx, "")
	cmd.Script, cmd.ScriptName, cmd.MemoryLimit = a.Script, a.ScriptName, a.MemoryLimit
	cmd.Arg, cmd.ExtraFiles, cmd.Dir, cmd.Env = a.Arg, a.ExtraFiles, a.Dir, a.Env
	cmd.Namespaces, cmd.UIDMap, cmd.GIDMap = a.Namespaces, a.UIDMap, a.GIDMap
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = a.Stdin, a.Stdout, a.Stderr, a.WaitDelay
	a.cmd = cmd
}

// isLua tells whether the actor is a Lua program.
func (a *Actor) isLua() bool { return a.Entry == "" }

func (a *Actor) check() error {
	if a.Namespaces&NewTime != 0 && a.Namespaces&NewPID == 0 {
		return &FieldError{"Namespaces", errors.New("an actor enters a time namespace only together with NewPID")}
	}
	if err := a.checkModule(); err != nil || a.isLua() {
		return err
	}
	if !mainCalled.Load() {
		return errors.New("initscript: Spawn before Main: main (in tests TestMain) has to call initscript.Main first")
	}
	if _, err := findEntry(a.Entry); err != nil {
		return &FieldError{"Entry", err}
	}
	return nil
}

func (a *Actor) checkModule() error {
	const rule = "exactly one of Entry, Module and ModuleSource has to be set"
	switch {
	case a.Entry == "" && a.Module == "" && a.ModuleSource == "":
		return &FieldError{"Entry", errors.New(rule)}
	case a.ModuleSource != "" && (a.Entry != "" || a.Module != ""):
		return &FieldError{"ModuleSource", errors.New(rule)}
	case a.Module != "" && a.Entry != "":
		return &FieldError{"Module", errors.New(rule)}
	case a.ModuleMemoryLimit < 0:
		return &FieldError{"ModuleMemoryLimit", fmt.Errorf("%d is negative", a.ModuleMemoryLimit)}
	case strings.Contains(a.ModuleSource, "\x00"):
		return &FieldError{"ModuleSource", errors.New("contains a NUL byte: not a Lua source text")}
	}
	if err := checkString("ModuleName", a.ModuleName); err != nil {
		return err
	}
	return checkString("Module", a.Module)
}

// name is what errors and logs call the actor.
func (a *Actor) name() string {
	switch {
	case a.Entry != "":
		return a.Entry
	case a.Module != "":
		return a.Module
	case a.ModuleName != "":
		return a.ModuleName
	}
	return "module"
}

func (a *Actor) start() (err error) {
	a.cmd.actor, err = a.open()
	if err != nil {
		return err
	}
	err = a.cmd.Start()
	a.cmd.actor.close()
	if err != nil {
		a.Close()
		a.crash.Close()
		return err
	}
	a.waited, a.over = sync.OnceValue(a.wait), make(chan struct{})
	scriptErr := a.cmd.WaitScript()
	if scriptErr == nil && a.cmd.child.ScriptDone() {
		return nil
	}
	a.cmd.Process.Kill() // if the script has executed something
	a.Close()
	err = a.waited()
	if scriptErr == nil && a.cmd.ctx.Err() == nil {
		return &ActorError{Entry: a.name(), Message: "the script has executed another program in its place"}
	}
	return err
}

// Send sends a message to the actor; see [mailbox.Channel.Send].
func (a *Actor) Send(ctx context.Context, message any) error { return a.channel.Send(ctx, message) }

// Receive returns the next message that the actor sent to its parent. io.EOF means that there will
// be no other one, most often because the actor has ended: Wait tells how.
func (a *Actor) Receive(ctx context.Context) (any, error) { return a.inbox.Receive(ctx) }

// Channel returns the address of the actor, which can be sent to other actors.
func (a *Actor) Channel() *mailbox.Channel { return a.channel }

// Inbox returns where the messages of the actor arrive.
func (a *Actor) Inbox() *mailbox.Inbox { return a.inbox }

// Pid returns the process id; see [Process].
func (a *Actor) Pid() int { return a.cmd.Process.Pid }

// Signal sends a signal to the actor, through its pidfd.
func (a *Actor) Signal(sig os.Signal) error { return a.cmd.Process.Signal(sig) }

// Kill sends SIGKILL.
func (a *Actor) Kill() error { return a.cmd.Process.Kill() }

// Detach lets the actor outlive this process and the context of Spawn. A small process, its fork
// server, stays as its parent until it ends. Everything else works as before, also Wait.
func (a *Actor) Detach() error { return a.cmd.detach() }

// Close closes the channels from and to the actor, which sees the end of its input. It goes on
// running until it ends by itself.
func (a *Actor) Close() error { return errors.Join(a.channel.Close(), a.inbox.Close()) }

// Wait waits for the end of the actor. It returns nil if the entry returned nil. Errors:
// *[ActorError], *[ExitError] when it ended in another way, and those of [Cmd.Wait]. It may be
// called more than once, from any goroutine.
func (a *Actor) Wait() error { return a.waited() }

// ProcessState says how the actor ended; nil before Wait has returned.
func (a *Actor) ProcessState() *ProcessState {
	select {
	case <-a.over:
		return a.cmd.ProcessState
	default:
		return nil
	}
}

func (a *Actor) wait() error {
	defer a.crash.Close()
	err := a.cmd.Wait()
	close(a.over)
	var actorError *ActorError
	if errors.As(err, &actorError) {
		actorError.Entry = a.name()
		return err
	}
	var exit *ExitError
	if errors.As(err, &exit) && !a.isLua() && (exit.Exited() || exit.Signal() != 0) {
		if message, stack := a.lastWords(); message != "" {
			return &ActorError{Entry: a.Entry, Message: message, Stack: stack}
		}
	}
	return err
}
