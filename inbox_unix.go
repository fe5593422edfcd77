//go:build (linux || freebsd) && cgo

package initscript

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

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

// delivery is what one packet became.
type delivery struct {
	value any
	err   error
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
// form, 80 for each value and map key, 384 more for each map and 48 for each of its entries, 1024
// for each file and channel. This is more than receiving it allocates. It applies to messages that
// are read from now on. 0 stands for DefaultMessageLimit.
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
	s := i.state
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mutex.Lock()
	idle := s.idle
	s.mutex.Unlock()
	if s.isClosed() {
		return nil, errInboxClosed("receive message")
	}
	select {
	case d := <-s.deliveries:
		return d.value, d.err
	case <-idle:
		if s.isClosed() {
			return nil, errInboxClosed("receive message")
		}
		return nil, io.EOF
	case <-s.closed:
		return nil, errInboxClosed("receive message")
	case <-ctx.Done():
		return nil, ctx.Err()
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
	pair, err := seqpacketSockets(unix.SOCK_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("make an address: %w", os.NewSyscallError("socketpair", err))
	}
	i.addSource(os.NewFile(uintptr(pair[0]), "inbox"))
	return newChannel(os.NewFile(uintptr(pair[1]), "channel")), nil
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
		socket.Close()
	}
	return true
}

// end removes a source.
func (s *inboxState) end(socket *os.File) {
	socket.Close()
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
	for {
		value, descriptors, err := s.next(socket)
		if err != nil {
			socket.Close()
			descriptors.discard()
			if err == io.EOF || s.isClosed() {
				return
			}
		}
		select {
		case s.deliveries <- delivery{value, err}:
		case <-s.closed:
			descriptors.discard()
			return
		}
		if err != nil {
			return
		}
	}
}

// next reads and decodes one packet. The descriptors are those of the value, if there is one.
func (s *inboxState) next(socket *os.File) (any, *descriptors, error) {
	packet, err := receivePacket(socket)
	defer packet.free()
	if err != nil {
		return nil, &packet.descriptors, err
	}
	limit := effectiveLimit(s.limit.Load())
	scratch := packet.buffer.data[:] // what the packet leaves of it, if the body is in a memfd
	value, messageErr := decodeMessage(packet.content(), &packet.descriptors, limit, scratch)
	if messageErr != nil {
		return nil, &packet.descriptors, messageErr
	}
	return value, &packet.descriptors, nil
}
