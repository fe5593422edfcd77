//go:build !((linux || freebsd) && cgo)

package initscript

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/go-initscript/initscript/mailbox"
)

type Actor struct {
	Entry             string
	Module            string
	ModuleSource      string
	ModuleName        string
	ModuleMemoryLimit int64
	Script            string
	ScriptName        string
	Arg               *os.File
	Namespaces        Namespaces
	UIDMap            []IDMap
	GIDMap            []IDMap
	Env               []string
	Dir               string
	Stdin             io.Reader
	Stdout            io.Writer
	Stderr            io.Writer
	ExtraFiles        []*os.File
	MemoryLimit       int64
	WaitDelay         time.Duration
	Process           *Process
}

// No process is an actor: Main returns.
func Main()                                              {}
func Register(name string, entry func(self *Self) error) {}
func Spawn(ctx context.Context, a Actor) (*Actor, error) { return nil, unsupported("Spawn") }

func (a *Actor) Send(ctx context.Context, message any) error { return unsupported("Send") }
func (a *Actor) Receive(ctx context.Context) (any, error)    { return nil, unsupported("Receive") }
func (a *Actor) Channel() *mailbox.Channel                   { return nil }
func (a *Actor) Inbox() *mailbox.Inbox                       { return nil }
func (a *Actor) Pid() int                                    { return 0 }
func (a *Actor) Signal(sig os.Signal) error                  { return unsupported("Signal") }
func (a *Actor) Kill() error                                 { return unsupported("Kill") }
func (a *Actor) Detach() error                               { return unsupported("Detach") }
func (a *Actor) Close() error                                { return unsupported("Close") }
func (a *Actor) Wait() error                                 { return unsupported("Wait") }
func (a *Actor) ProcessState() *ProcessState                 { return nil }

type Self struct {
	Entry      string
	ExtraFiles []*os.File
}

func (s *Self) Receive(ctx context.Context) (any, error)    { return nil, unsupported("Receive") }
func (s *Self) Send(ctx context.Context, message any) error { return unsupported("Send") }
func (s *Self) Address() (*mailbox.Channel, error)          { return nil, unsupported("Address") }
func (s *Self) Inbox() *mailbox.Inbox                       { return nil }
func (s *Self) Parent() *mailbox.Channel                    { return nil }
