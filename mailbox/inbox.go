package mailbox

import (
	"context"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

// An Inbox receives messages from any number of sources, the receiving ends of sockets. Each call
// of [Inbox.Address] makes one more. Any number of goroutines may use an inbox at once.
//
// Senders are not trusted: nothing that is sent makes Receive wait for the sender, allocate more
// than the limit or keep a descriptor, and a malformed message ends the source that it came
// through, and no other. One message of each source is read ahead.
//
// An inbox that is dropped without Close is closed by the garbage collector.
type Inbox struct {
	// The goroutines that read sources know the state alone, so that a dropped inbox is noticed.
	state *inboxState
}

type inboxState struct {
	limit      atomic.Int64
	deliveries chan delivery // unbuffered: what is in it was received
	closed     chan struct{}

	mutex   sync.Mutex
	sources map[*os.File]struct{}
	idle    chan struct{} // closed while there is no source
}

// delivery is a packet that was read, or why it could not be. A message with descriptors is only
// offered: when somebody wants it, they are received, and the rest follows.
type delivery struct {
	value any
	err   error
	rest  chan delivery
}

// NewInbox returns an inbox without sources.
func NewInbox() *Inbox {
	state := &inboxState{
		deliveries: make(chan delivery),
		closed:     make(chan struct{}),
		sources:    make(map[*os.File]struct{}),
		idle:       make(chan struct{}),
	}
	close(state.idle)
	inbox := &Inbox{state}
	runtime.AddCleanup(inbox, func(state *inboxState) { state.close() }, state)
	return inbox
}

// SetLimit bounds what one message may cost the receiver: 5/4 bytes for each byte of its encoded
// form, the length of its longest string or []byte once more, 96 for each value and map key, 384 more
// for each map and 48 for each of its entries, 1024 for each file and channel. This is more than
// receiving it allocates. It applies to messages that are read from now on. 0 stands for
// DefaultMessageLimit.
func (i *Inbox) SetLimit(bytes int64) { i.state.limit.Store(bytes) }

// Receive returns the next message. The messages of one source come in the order in which they were
// sent; [Channel.Send] says of what types they are. Files and channels in a message are the
// caller's to close.
//
// A malformed message is a [*MessageError], returned once; its source is closed then. The error is
// io.EOF when no source is left, that is, when all channels that lead here are closed; an address
// made afterwards changes that. It is os.ErrClosed after Close, and ctx.Err() when the context is
// done, in which case no message is lost.
//
// A received file is whatever the sender wants it to be. Reading and even closing a file of a FUSE
// file system waits for whoever serves that file system.
func (i *Inbox) Receive(ctx context.Context) (any, error) {
	defer runtime.KeepAlive(i)
	return i.state.receive(ctx)
}

// Address returns a new channel that leads to this inbox: to be sent to others, and closed when
// they have it. It has a socket pair of its own, so that whoever misuses it harms nobody else.
func (i *Inbox) Address() (*Channel, error) {
	defer runtime.KeepAlive(i)
	return i.state.address()
}

// Close closes all sources. What they hold unread is lost, and their senders are told by EPIPE.
func (i *Inbox) Close() error {
	defer runtime.KeepAlive(i)
	return i.state.close()
}
