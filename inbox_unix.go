//go:build (linux || freebsd) && cgo

package initscript

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-initscript/initscript/internal/seqpacket"
	"golang.org/x/sys/unix"
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

// delivery is what one packet became. A message with descriptors is only offered: when somebody
// wants it, they are received, and the rest follows.
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
	for {
		d := i.state.receive(ctx)
		if d.rest != nil {
			d = <-d.rest
		}
		if d.err != unix.EAGAIN { // somebody else reads that source, too, and was faster
			return d.value, d.err
		}
	}
}

func (s *inboxState) receive(ctx context.Context) delivery {
	if err := ctx.Err(); err != nil {
		return delivery{err: err}
	}
	s.mutex.Lock()
	idle := s.idle
	s.mutex.Unlock()
	if s.isClosed() {
		return delivery{err: errInboxClosed("receive message")}
	}
	select {
	case d := <-s.deliveries:
		return d
	case <-idle:
		if s.isClosed() {
			return delivery{err: errInboxClosed("receive message")}
		}
		return delivery{err: io.EOF}
	case <-s.closed:
		return delivery{err: errInboxClosed("receive message")}
	case <-ctx.Done():
		return delivery{err: ctx.Err()}
	}
}

func errInboxClosed(operation string) error {
	return fmt.Errorf("%s: inbox: %w", operation, os.ErrClosed)
}

// Address returns a new channel that leads to this inbox: to be sent to others, and closed when
// they have it. It has a socket pair of its own, so that whoever misuses it harms nobody else.
func (i *Inbox) Address() (*Channel, error) {
	defer runtime.KeepAlive(i)
	if i.state.isClosed() {
		return nil, errInboxClosed("make an address")
	}
	source, channel, err := seqpacket.OneWayPair("inbox", "channel")
	if err != nil {
		return nil, fmt.Errorf("make an address: %w", err)
	}
	i.addSource(source)
	return newChannel(channel), nil
}

// Close closes all sources. What they hold unread is lost, and their senders are told by EPIPE.
func (i *Inbox) Close() error {
	defer runtime.KeepAlive(i)
	if !i.state.close() {
		return os.ErrClosed
	}
	return nil
}

// addSource takes over the receiving end of a SEQPACKET socket.
func (i *Inbox) addSource(socket *os.File) {
	defer runtime.KeepAlive(i)
	socket = pollable(socket)
	s := i.state
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.isClosed() {
		socket.Close() // the sender is told by EPIPE
		return
	}
	if len(s.sources) == 0 {
		s.idle = make(chan struct{})
	}
	s.sources[socket] = struct{}{}
	go s.read(socket)
}

func (s *inboxState) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

func (s *inboxState) close() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.isClosed() {
		return false
	}
	close(s.closed)
	for socket := range s.sources {
		seqpacket.HangUp(socket)
		socket.SetReadDeadline(time.Unix(1, 0)) // whoever reads it wakes, and closes it
	}
	return true
}

// end removes a source. The reader may be here before close has come to this one.
func (s *inboxState) end(socket *os.File) {
	seqpacket.HangUp(socket)
	seqpacket.Close(socket)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.sources, socket)
	if len(s.sources) == 0 {
		close(s.idle)
	}
}

// read reads a source to its end.
func (s *inboxState) read(socket *os.File) {
	defer s.end(socket)
	for s.readOne(socket) {
	}
}

// readOne tells whether the source goes on.
func (s *inboxState) readOne(socket *os.File) bool {
	p, err := awaitPacket(socket)
	defer p.free()
	limit := effectiveLimit(s.limit.Load())
	var value any
	if err == nil {
		value, err = p.decode(limit)
	}
	var rest chan delivery
	if err == nil && p.descriptors.count() > 0 {
		rest = make(chan delivery, 1)
		if !s.deliver(delivery{rest: rest}) {
			return false
		}
	}
	if err == nil {
		value, err = p.finish(value, limit)
	}
	ends := err != nil && !errors.Is(err, unix.EAGAIN)
	if ends {
		seqpacket.HangUp(socket)
		seqpacket.Close(socket)
	}
	switch {
	case rest != nil && !ends && err != nil:
		rest <- delivery{err: unix.EAGAIN}
	case rest != nil:
		rest <- delivery{value: value, err: err}
	case ends && (err == io.EOF || s.isClosed()):
	case ends || err == nil:
		return s.deliver(delivery{value: value, err: err}) && !ends
	}
	return !ends
}

// deliver waits until somebody wants it; false if the inbox is closed before.
func (s *inboxState) deliver(d delivery) bool {
	select {
	case s.deliveries <- d:
		return true
	case <-s.closed:
		return false
	}
}
