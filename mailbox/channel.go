package mailbox

import (
	"context"
	"os"
	"sync/atomic"
)

// A Channel is an address: whoever has it can send messages to the one [Inbox] that it leads to.
// It comes from [Inbox.Address] or out of a message. Any number of goroutines may use it at once.
//
// A channel that is part of a message arrives as one more sending end of the same socket. Whoever
// has one can also break it for all others: by a malformed message, or by shutdown(2). So give each
// peer that you do not trust an address of its own.
//
// A channel that is dropped without Close is closed by the garbage collector.
type Channel struct {
	socket  *os.File
	sending chan struct{} // holds the turn of the one that sends
	closed  atomic.Bool
	limit   atomic.Int64
	// It came out of a message: whoever sent it has put into its queue what he wanted.
	received bool
}

// SetLimit sets what one message may cost its receiver, in bytes as [Inbox.SetLimit] counts them,
// so that a message that a receiver would refuse is not sent. Set it if the receiver has another
// limit than DefaultMessageLimit, which 0 stands for.
func (c *Channel) SetLimit(bytes int64) { c.limit.Store(bytes) }

// Send sends a message. It returns as soon as the message is in the socket, and waits while the
// socket is full, until the context is done.
//
// A message is a bool, a number (any integer or floating-point type), a string (of any bytes), a
// []byte, an open *os.File, a *Channel, or a slice or map of messages; a nil slice or map is an
// empty one. Map keys are bools, numbers or strings. Named types are sent as what they are made of.
// Containers nest 32 levels deep, and a message holds 252 files and channels at most. Files and
// channels stay open and the sender's own: the receiver gets duplicates. Keep them open until Send
// returns.
//
// The receiver finds int64 (uint64 where that is too small), float64, []any, map[string]any, or
// map[any]any where a key is no string.
//
// What cannot be sent is a [*MessageError]. When the receiver is gone, errors.Is(err, unix.EPIPE)
// holds; on a closed channel, errors.Is(err, os.ErrClosed). When the context is done before the
// message was sent, the error is ctx.Err(). Other errors are those of sendmsg(2) or, for messages
// of more than 64 KiB, of memfd_create(2).
func (c *Channel) Send(ctx context.Context, message any) error { return c.send(ctx, message) }

// Close closes this sending end. Messages that were sent still arrive. The receiver's source ends
// when all copies of the channel are closed.
func (c *Channel) Close() error { return c.close() }
