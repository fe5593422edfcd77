package initscript

import (
	"encoding/binary"
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// encodeRecord lays out struct initscript_record and its fields.
func encodeRecord(kind uint32, err, line, pid int32, fields ...string) []byte {
	message := binary.NativeEndian.AppendUint32(nil, kind)
	for _, n := range []int32{err, line, pid, int32(len(fields))} {
		message = binary.NativeEndian.AppendUint32(message, uint32(n))
	}
	for _, field := range fields {
		message = binary.NativeEndian.AppendUint32(message, uint32(len(field)))
		message = append(message, field...)
	}
	return message
}

func TestDecodeRecord(t *testing.T) {
	good := encodeRecord(6, 2, 3, 4, "open", "", "\"/x\"")
	r, err := decodeRecord(good)
	if err != nil || r.kind != 6 || r.err != 2 || r.line != 3 || r.pid != 4 || len(r.fields) != 3 || r.field(2) != "\"/x\"" || r.field(3) != "" {
		t.Errorf("%+v, %v", r, err)
	}
	for length := range good {
		if r, err := decodeRecord(good[:length]); err == nil {
			t.Errorf("%d of %d bytes: %+v", length, len(good), r)
		}
	}
	huge := encodeRecord(6, 0, 0, 0, "x")
	binary.NativeEndian.PutUint32(huge[20:], 1<<31)
	if _, err := decodeRecord(huge); err == nil {
		t.Error("a field that is longer than the message is accepted")
	}
	binary.NativeEndian.PutUint32(huge[16:], 1<<31)
	if _, err := decodeRecord(huge); err == nil {
		t.Error("more fields than the message has are accepted")
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add(encodeRecord(6, 2, 3, 4, "open", "trace", "nil"))
	f.Add(encodeRecord(1, 0, 0, 1234))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, message []byte) {
		r, err := decodeRecord(message)
		if err != nil {
			return
		}
		size := 0
		for _, field := range r.fields {
			size += 4 + len(field)
		}
		if size > len(message) {
			t.Errorf("%d bytes of fields from %d", size, len(message))
		}
		_ = r.scriptError("init.script").Error()
	})
}

// What an actor says after its script is what an entry can say, and nothing else.
func TestReportsAfterTheScript(t *testing.T) {
	const scriptDone, callFailed, execFailed, entryFailed, state = 5, 7, 11, 12, 13
	for _, test := range []struct {
		kind             uint32
		program, isActor bool // whether it counts there
	}{{scriptDone, false, false}, {callFailed, false, false}, {execFailed, true, false}, {entryFailed, false, true}, {state, true, false}} {
		for _, isActor := range []bool{false, true} {
			pair, err := seqpacketPair("start socket")
			if err != nil {
				t.Fatal(err)
			}
			r := reports{socket: pair[0], isActor: isActor}
			for i, kind := range []uint32{scriptDone, test.kind} {
				if _, err := pair[1].Write(encodeRecord(kind, 0, int32(i), 0, "field")); err != nil {
					t.Fatal(err)
				}
			}
			pair[1].Close()
			r.drain()
			counts := r.last().line == 1 || r.lastState().line == 1
			if want := isActor && test.isActor || !isActor && test.program; counts != want || !r.scriptDone() {
				t.Errorf("kind %d, actor %v: counts %v, want %v", test.kind, isActor, counts, want)
			}
			pair[0].Close()
		}
	}
}

// seqpacketPair makes a pair in which both ends can send, as the socket of a start is.
func seqpacketPair(name string) (files [2]*os.File, err error) {
	pair, err := seqpacketSockets(unix.SOCK_NONBLOCK)
	if err != nil {
		return files, err
	}
	for i, fd := range pair {
		files[i] = os.NewFile(uintptr(fd), name)
	}
	return files, nil
}

// The server died between the birth of a child and the report of it.
func TestServerDiesBeforeItTells(t *testing.T) {
	pair, err := seqpacketPair("start socket")
	if err != nil {
		t.Fatal(err)
	}
	defer closeFiles(pair[:])
	c := &child{process: Process{pidfd: -1}, reports: reports{socket: pair[0]}, ended: make(chan struct{})}
	awaited := make(chan error)
	go func() { awaited <- c.await(false) }()
	c.killOrphan()
	select {
	case err := <-awaited:
		var serverError *ServerError
		if !errors.As(err, &serverError) {
			t.Errorf("%T %v", err, err)
		}
	case <-time.After(30 * time.Second):
		t.Error("still waiting")
	}
}
