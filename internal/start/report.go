//go:build (linux || freebsd) && cgo

package start

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/go-initscript/initscript/internal/seqpacket"
	"github.com/go-initscript/initscript/internal/wire"
	"golang.org/x/sys/unix"
)

// reports is the host's end of a start socket. Only the child speaks there. Until it says that the
// script is done it runs our code and the script's, which are trusted; what comes after that is taken
// for an attacker's, so it can say one thing at most, and nothing about who the child is or what the
// script did.
type reports struct {
	socket    *os.File
	isActor   bool // what comes after the script is from it
	announced bool // the child says when it is in its namespaces

	mu          sync.Mutex // held while reading
	newest      Record     // of those that tell of the script; zero while it runs
	explanation Record     // what may explain newest, if that is a failure
	done        bool       // the script has succeeded
	closed      bool       // the child has no more to say
	stuck       bool       // somebody still drops what it has sent
}

// read returns the next record that the child may send now. Others are dropped.
func (r *reports) read() (Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.readLocked()
}

const recordSize = wire.RecordSize

var recordBuffers = sync.Pool{New: func() any { return new([recordSize]byte) }}

func (r *reports) readLocked() (Record, error) {
	buffer := recordBuffers.Get().(*[recordSize]byte)
	defer recordBuffers.Put(buffer)
	for !r.closed {
		if r.done && r.isActor {
			if _, hasDescriptors := seqpacket.Peek(r.socket); hasDescriptors {
				r.stuck = !seqpacket.Discard(r.socket)
				r.closed = r.stuck
				continue
			}
		}
		n, _, err := seqpacket.Receive(r.socket, buffer[:], nil)
		if errors.Is(err, unix.EMSGSIZE) { // too long, or with descriptors, which the kernel has dropped
			continue
		}
		if err != nil {
			return Record{}, err
		}
		if decoded, err := decodeRecord(buffer[:n]); err == nil && r.take(decoded) {
			return decoded, nil
		}
	}
	return Record{}, io.EOF
}

// close closes the socket. What an actor has left there is dropped where nobody waits for it.
func (r *reports) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n, _ := seqpacket.Peek(r.socket); r.isActor && (n > 0 || r.stuck) {
		go seqpacket.Close(r.socket) // which has to wait for whoever is stuck
		return
	}
	r.socket.Close()
}

// take notes what a record says. It returns false for one that cannot honestly come now.
func (r *reports) take(said Record) bool {
	switch {
	case said.Kind == wire.NamespacesReady && r.announced:
		r.announced = false // it says so once
	case said.Kind == wire.Explanation && !(r.done && r.isActor):
		if r.done && r.explanation.Kind != 0 {
			return false
		}
		r.explanation = said
	case said.Kind == wire.ExecFailed && r.done && !r.isActor,
		said.Kind == wire.EntryFailed && r.isActor,
		said.failed() && !r.done:
		r.newest, r.closed = said, true
	case said.Kind == wire.ScriptExecs && !r.done:
		r.newest = said
	case said.Kind == wire.ScriptRuns && !r.done:
		r.newest = Record{}
	case said.Kind == wire.ScriptDone && !r.done:
		r.newest, r.explanation, r.done = said, Record{}, true
	default:
		return false
	}
	return true
}

// last returns the newest Record that tells of the script, or the zero record.
func (r *reports) last() Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newest
}

// lastExplanation returns what may explain last(), if that is a failure; or the zero record.
func (r *reports) lastExplanation() Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.explanation
}

// scriptDone reports whether the script has succeeded, whatever came after it.
func (r *reports) scriptDone() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done
}

// settle reads until it is known how the script ended; false if that was interrupted, or the socket
// is at its end without a word.
func (r *reports) settle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Whether the script's own execve succeeds is known only when it closes the socket.
	for r.newest.Kind == 0 || r.newest.Kind == wire.ScriptExecs {
		if _, err := r.readLocked(); err != nil {
			return err == io.EOF && r.newest.Kind != 0
		}
	}
	return true
}

// interrupt ends a read that waits for more.
func (r *reports) interrupt() { r.socket.SetReadDeadline(time.Unix(1, 0)) }

// drain reads what is there when the child has ended. It waits for nothing, and what it reads is as much
// as the socket holds, at most.
func (r *reports) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.socket.SetReadDeadline(time.Time{})
	shut := func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_RD) }
	if connection, err := r.socket.SyscallConn(); err == nil {
		connection.Control(shut) // what has arrived can still be read; then comes the end
	}
	for {
		if _, err := r.readLocked(); err != nil {
			return
		}
	}
}
