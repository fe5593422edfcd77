package initscript

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-initscript/initscript/internal/seqpacket"
	"golang.org/x/sys/unix"
)

// encodeRecord lays out struct initscript_record and its fields.
func encodeRecord(kind uint32, err, line int32, fields ...string) []byte {
	message := binary.NativeEndian.AppendUint32(nil, kind)
	for _, n := range []int32{err, line, int32(len(fields))} {
		message = binary.NativeEndian.AppendUint32(message, uint32(n))
	}
	for _, field := range fields {
		message = binary.NativeEndian.AppendUint32(message, uint32(len(field)))
		message = append(message, field...)
	}
	return message
}

func TestDecodeRecord(t *testing.T) {
	good := encodeRecord(6, 2, 3, "open", "", "\"/x\"")
	r, err := decodeRecord(good)
	if err != nil || r.kind != 6 || r.err != 2 || r.line != 3 || len(r.fields) != 3 || r.field(2) != "\"/x\"" || r.field(3) != "" {
		t.Errorf("%+v, %v", r, err)
	}
	for length := range good {
		if r, err := decodeRecord(good[:length]); err == nil {
			t.Errorf("%d of %d bytes: %+v", length, len(good), r)
		}
	}
	huge := encodeRecord(6, 0, 0, "x")
	binary.NativeEndian.PutUint32(huge[16:], 1<<31)
	if _, err := decodeRecord(huge); err == nil {
		t.Error("a field that is longer than the message is accepted")
	}
	binary.NativeEndian.PutUint32(huge[12:], 1<<31)
	if _, err := decodeRecord(huge); err == nil {
		t.Error("more fields than the message has are accepted")
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add(encodeRecord(6, 2, 3, "open", "trace", "nil"))
	f.Add(encodeRecord(1, 0, 0))
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

// Each record at each time: the host believes what an honest child could say then, and nothing else.
func TestRecordsAtTheWrongTime(t *testing.T) {
	const (
		namespacesReady = iota + 2
		scriptExecs
		scriptRuns
		scriptDone
		setupFailed
		callFailed
		scriptFailed
		loadFailed
		memoryExhausted
		execFailed
		entryFailed
		state
		end
	)
	failures := []uint32{setupFailed, callFailed, scriptFailed, loadFailed, memoryExhausted}
	whileRunning := append([]uint32{scriptExecs, scriptRuns, scriptDone, state}, failures...)
	tests := []struct {
		name      string
		said      []uint32
		isActor   bool
		announced bool
		believed  []uint32
	}{
		{"nothing, no namespaces", nil, false, false, whileRunning},
		{"nothing", nil, false, true, append([]uint32{namespacesReady}, whileRunning...)},
		{"in namespaces", []uint32{namespacesReady}, false, true, whileRunning},
		{"script executes", []uint32{scriptExecs}, false, false, whileRunning},
		{"script executes and goes on", []uint32{scriptExecs, scriptRuns}, false, false, whileRunning},
		{"done, program", []uint32{scriptDone}, false, false, []uint32{execFailed, state}},
		{"done, program, state", []uint32{scriptDone, state}, false, false, []uint32{execFailed}},
		{"not executed", []uint32{scriptDone, execFailed}, false, false, nil},
		{"actor before it begins", nil, true, false, append([]uint32{entryFailed}, whileRunning...)},
		{"actor", []uint32{scriptDone}, true, true, []uint32{entryFailed}},
		{"actor, in namespaces", []uint32{namespacesReady, scriptDone}, true, true, []uint32{entryFailed}},
		{"actor has failed", []uint32{scriptDone, entryFailed}, true, false, nil},
		{"set-up has failed", []uint32{setupFailed}, true, true, nil},
		{"call has failed", []uint32{state, callFailed}, false, false, nil},
	}
	for _, test := range tests {
		for kind := uint32(0); kind < end+4; kind++ {
			// An actor that starts before its namespaces are announced cannot be: it says so first.
			if test.name == "actor" && kind == namespacesReady {
				continue
			}
			r := reports{isActor: test.isActor, announced: test.announced}
			for _, said := range test.said {
				if !r.take(record{kind: said}) {
					t.Fatalf("%s: record %d is not believed", test.name, said)
				}
			}
			if got, want := !r.closed && r.take(record{kind: kind}), slices.Contains(test.believed, kind); got != want {
				t.Errorf("%s, then record %d: believed %v, want %v", test.name, kind, got, want)
			}
		}
	}
}

// What is no record, or comes with descriptors, hides nothing and is not waited for.
func TestRecordsAmongOtherThings(t *testing.T) {
	pair, err := seqpacketPair("start socket")
	if err != nil {
		t.Fatal(err)
	}
	defer closeFiles(pair[:])
	const scriptDone, entryFailed = 5, 12
	long := make([]byte, 2*recordSize)
	for _, message := range [][]byte{{1}, long, encodeRecord(scriptDone, 0, 0), long, encodeRecord(scriptDone, 0, 0)} {
		if err := unix.Sendmsg(int(pair[1].Fd()), message, nil, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	withFile := encodeRecord(entryFailed, 0, 0, "with a file")
	if err := unix.Sendmsg(int(pair[1].Fd()), withFile, unix.UnixRights(0), nil, 0); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"the first", "the second"} {
		if err := unix.Sendmsg(int(pair[1].Fd()), encodeRecord(entryFailed, 0, 0, text), nil, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	r := reports{socket: pair[0], isActor: true}
	r.drain()
	if last := r.last(); last.kind != entryFailed || last.field(0) != "the first" || !r.scriptDone() {
		t.Errorf("%+v, done %v", last, r.scriptDone())
	}
}

// seqpacketPair makes a pair in which both ends can send, as the socket of a start is.
func seqpacketPair(name string) (files [2]*os.File, err error) {
	pair, err := seqpacket.Pair(unix.SOCK_NONBLOCK)
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
	c := &child{
		process: Process{pidfd: -1},
		reports: reports{socket: pair[0]},
		born:    make(chan struct{}),
		ended:   make(chan struct{}),
	}
	awaited := make(chan error)
	go func() { awaited <- c.awaitBirth(t.Context()) }()
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
