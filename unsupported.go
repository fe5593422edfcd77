//go:build !((linux || freebsd) && cgo)

package initscript

import (
	"context"
	"io"
	"os"

	"github.com/go-initscript/initscript/internal/errtext"
	"github.com/go-initscript/initscript/mailbox"
)

// unsupported names the exported function or method that has failed.
func unsupported(function string) error { return errtext.Unsupported("initscript", function) }

// running is nothing: no Cmd gets a process.
type running struct{}

func (c *Cmd) run() error                         { return unsupported("Run") }
func (c *Cmd) start() error                       { return unsupported("Start") }
func (c *Cmd) waitScript() error                  { return unsupported("WaitScript") }
func (c *Cmd) wait() error                        { return unsupported("Wait") }
func (c *Cmd) output() ([]byte, error)            { return nil, unsupported("Output") }
func (c *Cmd) combinedOutput() ([]byte, error)    { return nil, unsupported("CombinedOutput") }
func (c *Cmd) stdinPipe() (io.WriteCloser, error) { return nil, unsupported("StdinPipe") }
func (c *Cmd) stdoutPipe() (io.ReadCloser, error) { return nil, unsupported("StdoutPipe") }
func (c *Cmd) stderrPipe() (io.ReadCloser, error) { return nil, unsupported("StderrPipe") }

func (a *Actor) spawn(context.Context) (*Actor, error) { return nil, unsupported("Spawn") }
func (a *Actor) send(context.Context, any) error       { return unsupported("Send") }
func (a *Actor) receive(context.Context) (any, error)  { return nil, unsupported("Receive") }
func (a *Actor) signal(os.Signal) error                { return unsupported("Signal") }
func (a *Actor) kill() error                           { return unsupported("Kill") }
func (a *Actor) detach() error                         { return unsupported("Detach") }
func (a *Actor) close() error                          { return unsupported("Close") }
func (a *Actor) wait() error                           { return unsupported("Wait") }

func (s *Self) receive(context.Context) (any, error) { return nil, unsupported("Receive") }
func (s *Self) send(context.Context, any) error      { return unsupported("Send") }
func (s *Self) address() (*mailbox.Channel, error)   { return nil, unsupported("Address") }

func confine(string, *os.File) error { return unsupported("Confine") }
func (c *Confinement) apply() error  { return unsupported("Apply") }

func runEntry()          {} // no process is an actor
func renewServer() error { return nil }
