//go:build (linux || freebsd) && cgo

package initscript

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/go-initscript/initscript/internal/actorself"
	"github.com/go-initscript/initscript/internal/bridge"
	"github.com/go-initscript/initscript/internal/forkserver"
	"github.com/go-initscript/initscript/internal/seqpacket"
	"github.com/go-initscript/initscript/internal/start"
	"github.com/go-initscript/initscript/internal/wire"
	"github.com/go-initscript/initscript/mailbox"
	"golang.org/x/sys/unix"
)

func (a *Actor) spawn(ctx context.Context) (*Actor, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	a.prepare(ctx)
	if err := a.start(); err != nil {
		return nil, err
	}
	a.Process = a.cmd.Process
	return a, nil
}

func (a *Actor) prepare(ctx context.Context) {
	cmd := CommandContext(ctx, "")
	cmd.Script, cmd.ScriptName, cmd.MemoryLimit = a.Script, a.ScriptName, a.MemoryLimit
	cmd.Arg, cmd.ExtraFiles, cmd.Dir, cmd.Env = a.Arg, a.ExtraFiles, a.Dir, a.Env
	cmd.Namespaces, cmd.UIDMap, cmd.GIDMap = a.Namespaces, a.UIDMap, a.GIDMap
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = a.Stdin, a.Stdout, a.Stderr, a.WaitDelay
	a.cmd = cmd
}

// isLua reports whether the actor is a Lua program.
func (a *Actor) isLua() bool { return a.Entry == "" }

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
	a.waited, a.over = sync.OnceValue(a.awaitEnd), make(chan struct{})
	scriptErr := a.cmd.WaitScript()
	if scriptErr == nil && a.cmd.child.ScriptDone() {
		return nil
	}
	a.cmd.Process.Kill() // if the script has executed something
	a.Close()
	err = a.waited()
	if scriptErr == nil && a.cmd.ctx.Err() == nil {
		const message = "the script has executed another program in its place"
		return &ActorError{Entry: a.name(), Message: message}
	}
	return err
}

func (a *Actor) send(ctx context.Context, message any) error { return a.channel.Send(ctx, message) }
func (a *Actor) receive(ctx context.Context) (any, error)    { return a.inbox.Receive(ctx) }
func (a *Actor) signal(sig os.Signal) error                  { return a.cmd.Process.Signal(sig) }
func (a *Actor) kill() error                                 { return a.cmd.Process.Kill() }
func (a *Actor) detach() error                               { return a.cmd.detach() }

func (a *Actor) close() error { return errors.Join(a.channel.Close(), a.inbox.Close()) }

func (a *Actor) wait() error { return a.waited() }

// awaitEnd is called once, for all calls of Wait.
func (a *Actor) awaitEnd() error {
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

// maxCrashText is the size of a pipe. The host reads it after the end of the actor; the rest is lost.
const maxCrashText = 64 << 10

// actorFiles are the actor's ends of what connects it with its host.
type actorFiles struct {
	actor                *Actor
	inbox, parent, crash *os.File
	program, null        *os.File // not ours to close
}

// fill makes the request one for an actor.
func (f *actorFiles) fill(request *start.Request) {
	request.Inbox = f.inbox
	if f.actor.isLua() {
		request.Plan.IsLua = true
		request.Program = slog.String("module", f.actor.name())
		request.Plan.Module, request.Plan.ModuleSource = f.actor.Module, f.actor.ModuleSource
		request.Plan.ModuleName = f.actor.name()
		request.Plan.ModuleMemoryLimit = f.actor.ModuleMemoryLimit
		request.HiddenFiles = []*os.File{wire.HiddenParent: f.parent}
		return
	}
	request.Plan.Entry = f.actor.Entry
	request.Program = slog.String("entry", f.actor.Entry)
	request.Plan.Args = os.Args[:1]
	request.HiddenFiles = []*os.File{
		wire.HiddenParent:     f.parent,
		wire.HiddenCrash:      f.crash,
		wire.HiddenExecutable: f.program,
		wire.HiddenNull:       f.null,
	}
}

func (f *actorFiles) close() { closeFiles([]*os.File{f.inbox, f.parent, f.crash}) }

// open makes both ends of all that connects the host with the actor.
func (a *Actor) open() (*actorFiles, error) {
	if a.isLua() {
		return a.openChannels()
	}
	program, err := forkserver.Executable()
	if err != nil {
		return nil, &ServerError{Op: "open this program", Err: err}
	}
	null, err := actorself.OpenNull()
	if err != nil {
		return nil, err
	}
	files, err := a.openChannels()
	if err != nil {
		return nil, err
	}
	var crash [2]int
	if err := unix.Pipe2(crash[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		a.Close()
		files.close()
		return nil, &SetupError{Op: "pipe2", Err: err}
	}
	a.crash = os.NewFile(uintptr(crash[0]), "crash report of actor")
	files.crash = os.NewFile(uintptr(crash[1]), "crash report")
	files.program, files.null = program, null
	return files, nil
}

// openChannels makes both ends of the channels from and to the actor.
func (a *Actor) openChannels() (*actorFiles, error) {
	down, up, err := channelPairs()
	if err != nil {
		return nil, err
	}
	a.channel = openChannel(down[0])
	a.inbox = mailbox.NewInbox()
	bridge.AddSource(a.inbox, up[0])
	return &actorFiles{actor: a, inbox: down[1], parent: up[1]}, nil
}

// openChannel takes over the sending end of a socket.
func openChannel(socket *os.File) *mailbox.Channel {
	return bridge.OpenChannel(socket).(*mailbox.Channel)
}

// channelPairs makes the sockets of both directions, the host's end first.
func channelPairs() (down, up [2]*os.File, err error) {
	down[1], down[0], err = seqpacket.OneWayPair("inbox of actor", "channel to actor")
	if err == nil {
		if up[0], up[1], err = seqpacket.OneWayPair("inbox of host", "channel of actor"); err != nil {
			closeFiles(down[:])
		}
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = &SetupError{Op: call.Syscall, Err: call.Err}
	}
	return down, up, err
}

// lastWords returns what the Go runtime of the actor wrote when it gave up. It waits for nothing: a
// process that the actor has forked may hold the pipe open.
func (a *Actor) lastWords() (message, stack string) {
	text := make([]byte, maxCrashText)
	length := 0
	if connection, err := a.crash.SyscallConn(); err == nil {
		connection.Read(func(fd uintptr) bool {
			for length < len(text) {
				n, err := unix.Read(int(fd), text[length:])
				if err != unix.EINTR && n <= 0 {
					break
				}
				length += max(n, 0)
			}
			return true
		})
	}
	const beginOfStack = "\ngoroutine "
	message, stack, found := strings.Cut(string(text[:length]), beginOfStack)
	message = strings.TrimSpace(message)
	if found {
		stack = beginOfStack[1:] + stack
	}
	if found && message == "" {
		message = "fatal error" // which one is said on the standard error only
	}
	return message, stack
}

func init() {
	bridge.Start = startForLuaHost
	bridge.Detach = func(cmd any) error { return cmd.(*Cmd).detach() }
}

// startForLuaHost is Spawn for a host in Lua: that talks to the script while it runs, and reads and
// writes the sockets itself.
func startForLuaHost(
	ctx context.Context, description any,
) (cmd any, channel, inbox *os.File, err error) {
	a := description.(Actor)
	if a.Module+a.ModuleSource != "" {
		err = a.checkModule()
	}
	if err != nil {
		return nil, nil, nil, err
	}
	a.prepare(ctx)
	down, up, err := channelPairs()
	if err != nil {
		return nil, nil, nil, err
	}
	a.cmd.actor = &actorFiles{actor: &a, inbox: down[1], parent: up[1]}
	err = a.cmd.Start()
	closeFiles([]*os.File{down[1], up[1]})
	if err != nil {
		closeFiles([]*os.File{down[0], up[0]})
		return nil, nil, nil, err
	}
	return a.cmd, down[0], up[0], nil
}

// runEntry returns if this process is no actor.
func runEntry() {
	given := actorself.Take()
	if given == nil {
		return
	}
	self := &Self{Entry: given.Entry, ExtraFiles: given.ExtraFiles, inbox: mailbox.NewInbox()}
	bridge.AddSource(self.inbox, given.Inbox)
	self.parent = openChannel(given.Parent)
	entry, err := findEntry(self.Entry)
	if err == nil {
		defer func() {
			if isGoexit() { // there is nobody to whom the process would still be of use
				actorself.Exit(errors.New("the entry has called runtime.Goexit"))
			}
		}()
		err = entry(self)
	}
	actorself.Exit(err)
}

// isGoexit tells a deferred function why it runs. recover would change what a panic says.
func isGoexit() bool {
	callers := make([]uintptr, 8)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	for {
		frame, more := frames.Next()
		if frame.Function == "runtime.Goexit" {
			return true
		}
		if !more {
			return false
		}
	}
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

func (s *Self) receive(ctx context.Context) (any, error)    { return s.inbox.Receive(ctx) }
func (s *Self) send(ctx context.Context, message any) error { return s.parent.Send(ctx, message) }
func (s *Self) address() (*mailbox.Channel, error)          { return s.inbox.Address() }
