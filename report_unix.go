//go:build (linux || freebsd) && cgo

package initscript

// #include "csrc/wire.h"
import "C"

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/go-initscript/initscript/internal/lazyregexp"
	"github.com/go-initscript/initscript/internal/seqpacket"
	"golang.org/x/sys/unix"
)

// record is one decoded struct initscript_record.
type record struct {
	kind   uint32
	err    syscall.Errno
	line   int
	fields []string
}

func (r *record) field(i int) string {
	if i < len(r.fields) {
		return r.fields[i]
	}
	return ""
}

var errMalformed = errors.New("malformed report from the child")

func decodeRecord(message []byte) (record, error) {
	var header C.struct_initscript_record
	if len(message) < int(unsafe.Sizeof(header)) {
		return record{}, errMalformed
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&header)), unsafe.Sizeof(header)), message)
	r := record{
		kind: uint32(header.kind),
		err:  syscall.Errno(header.error),
		line: int(header.line),
	}
	rest := message[unsafe.Sizeof(header):]
	for range uint32(header.fields) {
		if len(rest) < 4 {
			return record{}, errMalformed
		}
		length := binary.NativeEndian.Uint32(rest)
		rest = rest[4:]
		if uint64(length) > uint64(len(rest)) {
			return record{}, errMalformed
		}
		r.fields = append(r.fields, string(rest[:length]))
		rest = rest[length:]
	}
	return r, nil
}

// linePattern is for messages of the parser, which all begin with the place.
var linePattern = lazyregexp.New(`^[^\n]*?:(\d+): `)

// lineInMessage is for messages that the script may have made: they need not have a place, and then
// can look as if they had.
func lineInMessage(message, scriptName string) (line int, ok bool) {
	rest, ok := strings.CutPrefix(message, scriptName+":")
	number, _, found := strings.Cut(rest, ": ")
	line, err := strconv.Atoi(number)
	return line, ok && found && err == nil && line > 0
}

func (r *record) scriptError(scriptName string) *ScriptError {
	e := &ScriptError{ScriptName: scriptName, Line: r.line}
	switch r.kind {
	case C.INITSCRIPT_CALL_FAILED:
		e.Func, e.Traceback, e.Errno = r.field(0), r.field(1), r.err
		if len(r.fields) > 2 {
			e.Args = r.fields[2:]
		}
	case C.INITSCRIPT_LOAD_FAILED:
		e.Message = r.field(0)
		if match := linePattern().FindStringSubmatch(e.Message); match != nil {
			e.Line, _ = strconv.Atoi(match[1])
		}
	case C.INITSCRIPT_SCRIPT_FAILED:
		e.Message, e.Traceback = r.field(0), r.field(1)
		if line, ok := lineInMessage(e.Message, scriptName); ok {
			e.Line = line
		}
	case C.INITSCRIPT_MEMORY_EXHAUSTED:
		e.Message, e.Errno = "the script's memory limit is exhausted", r.err
	}
	return e
}

// failed reports whether the record is the last word of a child whose script, or whose preparations for
// it, have failed.
func (r *record) failed() bool {
	switch r.kind {
	case C.INITSCRIPT_SETUP_FAILED, C.INITSCRIPT_CALL_FAILED, C.INITSCRIPT_SCRIPT_FAILED,
		C.INITSCRIPT_LOAD_FAILED, C.INITSCRIPT_MEMORY_EXHAUSTED:
		return true
	}
	return false
}

// reports is the host's end of a start socket. Only the child speaks there. Until it says that the
// script is done it runs our code and the script's, which are trusted; what comes after that is taken for an
// attacker's, so it can say one thing at most, and nothing about who the child is or what the script did.
type reports struct {
	socket    *os.File
	isActor   bool // what comes after the script is from it
	announced bool // the child says when it is in its namespaces

	mu     sync.Mutex // held while reading
	newest record     // of those that tell of the script; zero while it runs
	state  record     // what may explain newest, if that is a failure
	done   bool       // the script has succeeded
	closed bool       // the child has no more to say
	stuck  bool       // somebody still drops what it has sent
}

// read returns the next record that the child may send now. Others are dropped.
func (r *reports) read() (record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.readLocked()
}

const recordSize = C.INITSCRIPT_RECORD_SIZE

var recordBuffers = sync.Pool{New: func() any { return new([recordSize]byte) }}

func (r *reports) readLocked() (record, error) {
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
			return record{}, err
		}
		if decoded, err := decodeRecord(buffer[:n]); err == nil && r.take(decoded) {
			return decoded, nil
		}
	}
	return record{}, io.EOF
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
func (r *reports) take(said record) bool {
	switch {
	case said.kind == C.INITSCRIPT_NAMESPACES_READY && r.announced:
		r.announced = false // it says so once
	case said.kind == C.INITSCRIPT_STATE && !(r.done && r.isActor):
		if r.done && r.state.kind != 0 {
			return false
		}
		r.state = said
	case said.kind == C.INITSCRIPT_EXEC_FAILED && r.done && !r.isActor,
		said.kind == C.INITSCRIPT_ENTRY_FAILED && r.isActor,
		said.failed() && !r.done:
		r.newest, r.closed = said, true
	case said.kind == C.INITSCRIPT_SCRIPT_EXECS && !r.done:
		r.newest = said
	case said.kind == C.INITSCRIPT_SCRIPT_RUNS && !r.done:
		r.newest = record{}
	case said.kind == C.INITSCRIPT_SCRIPT_DONE && !r.done:
		r.newest, r.state, r.done = said, record{}, true
	default:
		return false
	}
	return true
}

// last returns the newest record that tells of the script, or the zero record.
func (r *reports) last() record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newest
}

// lastState returns what may explain last(), if that is a failure; or the zero record.
func (r *reports) lastState() record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// scriptDone tells whether the script has succeeded, whatever came after it.
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
	for r.newest.kind == 0 || r.newest.kind == C.INITSCRIPT_SCRIPT_EXECS {
		if _, err := r.readLocked(); err != nil {
			return err == io.EOF && r.newest.kind != 0
		}
	}
	return true
}

// interrupt ends a read that waits for more.
func (r *reports) interrupt() { r.socket.SetReadDeadline(time.Unix(1, 0)) }

// drain reads what is there when the child has ended. It waits for nothing, and what it reads is as much as
// the socket holds, at most.
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
