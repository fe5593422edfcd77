//go:build (linux || freebsd) && cgo

package initscript

import (
	"context"
	"os"

	"github.com/go-initscript/initscript/mailbox"
)

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
func (s *Self) Receive(ctx context.Context) (any, error) { return s.inbox.Receive(ctx) }

// Send sends a message to the host, where [Actor.Receive] returns it; see [mailbox.Channel.Send].
func (s *Self) Send(ctx context.Context, message any) error { return s.parent.Send(ctx, message) }

// Address returns a new channel to this actor, to be sent to others; see [mailbox.Inbox.Address].
func (s *Self) Address() (*mailbox.Channel, error) { return s.inbox.Address() }

// Inbox returns where the messages to this actor arrive, to set its limit, for example.
func (s *Self) Inbox() *mailbox.Inbox { return s.inbox }

// Parent returns the channel to the host. Sent to others, it lets them talk to the host without this
// actor.
func (s *Self) Parent() *mailbox.Channel { return s.parent }
