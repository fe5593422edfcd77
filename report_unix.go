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
	"golang.org/x/sys/unix"
)

// record is one decoded struct initscript_record.
type record struct {
	kind   uint32
	err    syscall.Errno
	line   int
	pid    int
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
		pid:  int(header.pid),
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

// tellsOfScript tells whether a record says what has become of the script.
func (r *record) tellsOfScript() bool {
	return r.kind != C.INITSCRIPT_STARTED && r.kind != C.INITSCRIPT_NAMESPACES_READY
}

// reports is the host's end of a start socket.
type reports struct {
	socket  *os.File
	isActor bool // what comes after the script is from it

	mu     sync.Mutex // held while reading
	newest record     // of those that tell of the script; zero while it runs
	state  record     // what may explain newest, if that is a failure
	done   bool       // the script has succeeded
}

// read returns the next record and at most maxFDs descriptors. If there was no room for these here, the
// error is EMFILE, and the record is valid nevertheless.
func (r *reports) read(maxFDs int) (record, []int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.readLocked(maxFDs)
}

var recordBuffers = sync.Pool{New: func() any { return new([C.INITSCRIPT_RECORD_SIZE]byte) }}

func (r *reports) readLocked(maxFDs int) (record, []int, error) {
	buffer := recordBuffers.Get().(*[C.INITSCRIPT_RECORD_SIZE]byte)
	defer recordBuffers.Put(buffer)
	n, fds, err := receiveMessage(r.socket, buffer[:], make([]int, 0, maxFDs))
	if errors.Is(err, unix.EMSGSIZE) && maxFDs > 0 {
		if started, decodeErr := decodeRecord(buffer[:n]); decodeErr == nil && started.kind == C.INITSCRIPT_STARTED {
			return started, nil, unix.EMFILE
		}
	}
	if err != nil {
		return record{}, nil, err
	}
	decoded, err := decodeRecord(buffer[:n])
	if err == nil && (decoded.kind == C.INITSCRIPT_STARTED) != (len(fds) == 1) && decoded.err == 0 {
		err = errMalformed
	}
	if err != nil {
		for _, fd := range fds {
			unix.Close(fd)
		}
		return record{}, nil, err
	}
	switch {
	case r.done && !r.mayFollowScript(decoded.kind):
		// From an actor that wants to deceive.
	case decoded.kind == C.INITSCRIPT_STATE:
		r.state = decoded
	case decoded.kind == C.INITSCRIPT_SCRIPT_RUNS:
		r.newest = record{}
	case decoded.tellsOfScript():
		r.newest = decoded
		r.done = r.done || decoded.kind == C.INITSCRIPT_SCRIPT_DONE
	}
	return decoded, fds, nil
}

// mayFollowScript tells whether such a record can honestly come when the script has succeeded.
func (r *reports) mayFollowScript(kind uint32) bool {
	if r.isActor {
		return kind == C.INITSCRIPT_ENTRY_FAILED
	}
	return kind == C.INITSCRIPT_EXEC_FAILED || kind == C.INITSCRIPT_STATE
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
		if _, _, err := r.readLocked(0); err != nil {
			return err == io.EOF && r.newest.kind != 0
		}
	}
	return true
}

// interrupt ends a settle() that waits for more.
func (r *reports) interrupt() { r.socket.SetReadDeadline(time.Unix(1, 0)) }

// drain reads what is there when the child has ended. It waits for nothing.
func (r *reports) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.socket.SetReadDeadline(time.Time{})
	shut := func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_RD) }
	if connection, err := r.socket.SyscallConn(); err == nil {
		connection.Control(shut) // what has arrived can still be read; then comes the end
	}
	for {
		_, _, err := r.readLocked(0)
		// An actor can send what is no record, or has descriptors; that must not hide what is one.
		if err != nil && err != errMalformed && !errors.Is(err, unix.EMSGSIZE) {
			return
		}
	}
}
