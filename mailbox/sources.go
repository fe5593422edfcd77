//go:build (linux || freebsd) && cgo

package mailbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/go-initscript/initscript/internal/bridge"
	"github.com/go-initscript/initscript/internal/seqpacket"
	"golang.org/x/sys/unix"
)

func init() {
	bridge.OpenChannel = func(socket *os.File) any { return newChannel(socket) }
	bridge.AddSource = func(inbox any, socket *os.File) { inbox.(*Inbox).addSource(socket) }
}

func (s *inboxState) receive(ctx context.Context) (any, error) {
	for {
		d := s.next(ctx)
		if d.rest != nil {
			d = <-d.rest
		}
		if d.err != unix.EAGAIN { // somebody else reads that source, too, and was faster
			return d.value, d.err
		}
	}
}

func (s *inboxState) next(ctx context.Context) delivery {
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

func (s *inboxState) address() (*Channel, error) {
	if s.isClosed() {
		return nil, errInboxClosed("make an address")
	}
	source, channel, err := seqpacket.OneWayPair("inbox", "channel")
	if err != nil {
		return nil, fmt.Errorf("make an address: %w", err)
	}
	s.addSource(source)
	return newChannel(channel), nil
}

func (i *Inbox) addSource(socket *os.File) {
	defer runtime.KeepAlive(i)
	i.state.addSource(socket)
}

// addSource takes over the receiving end of a SEQPACKET socket.
func (s *inboxState) addSource(socket *os.File) {
	socket = pollable(socket)
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

func (s *inboxState) close() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.isClosed() {
		return os.ErrClosed
	}
	close(s.closed)
	for socket := range s.sources {
		seqpacket.HangUp(socket)
		socket.SetReadDeadline(time.Unix(1, 0)) // whoever reads it wakes, and closes it
	}
	return nil
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

// readOne reads one packet, and reports whether more can come.
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
