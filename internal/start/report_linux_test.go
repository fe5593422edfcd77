package start

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-initscript/initscript/internal/forkserver"
	"github.com/go-initscript/initscript/internal/seqpacket"
	"github.com/go-initscript/initscript/internal/wire"
	"golang.org/x/sys/unix"
)

// encodeRecord lays out struct initscript_record and its fields.
func encodeRecord(kind wire.RecordKind, err, line int32, fields ...string) []byte {
	message := binary.NativeEndian.AppendUint32(nil, uint32(kind))
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
	if err != nil || r.Kind != 6 || r.Err != 2 || r.Line != 3 || len(r.Fields) != 3 ||
		r.Field(2) != "\"/x\"" || r.Field(3) != "" {
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
		for _, field := range r.Fields {
			size += 4 + len(field)
		}
		if size > len(message) {
			t.Errorf("%d bytes of fields from %d", size, len(message))
		}
	})
}

// Each record at each time: the host believes what an honest child could say then, and nothing else.
func TestRecordsAtTheWrongTime(t *testing.T) {
	failures := []wire.RecordKind{wire.SetupFailed, wire.CallFailed, wire.ScriptFailed, wire.LoadFailed,
		wire.MemoryExhausted}
	whileRunning := append([]wire.RecordKind{wire.ScriptExecs, wire.ScriptRuns, wire.ScriptDone,
		wire.Explanation}, failures...)
	tests := []struct {
		name      string
		said      []wire.RecordKind
		isActor   bool
		announced bool
		believed  []wire.RecordKind
	}{
		{"nothing, no namespaces", nil, false, false, whileRunning},
		{"nothing", nil, false, true, append([]wire.RecordKind{wire.NamespacesReady}, whileRunning...)},
		{"in namespaces", []wire.RecordKind{wire.NamespacesReady}, false, true, whileRunning},
		{"script executes", []wire.RecordKind{wire.ScriptExecs}, false, false, whileRunning},
		{"script executes and goes on", []wire.RecordKind{wire.ScriptExecs, wire.ScriptRuns}, false,
			false, whileRunning},
		{"done, program", []wire.RecordKind{wire.ScriptDone}, false, false,
			[]wire.RecordKind{wire.ExecFailed, wire.Explanation}},
		{"done, program, explanation", []wire.RecordKind{wire.ScriptDone, wire.Explanation}, false,
			false, []wire.RecordKind{wire.ExecFailed}},
		{"not executed", []wire.RecordKind{wire.ScriptDone, wire.ExecFailed}, false, false, nil},
		{"actor before it begins", nil, true, false,
			append([]wire.RecordKind{wire.EntryFailed}, whileRunning...)},
		{"actor", []wire.RecordKind{wire.ScriptDone}, true, true, []wire.RecordKind{wire.EntryFailed}},
		{"actor, in namespaces", []wire.RecordKind{wire.NamespacesReady, wire.ScriptDone}, true, true,
			[]wire.RecordKind{wire.EntryFailed}},
		{"actor has failed", []wire.RecordKind{wire.ScriptDone, wire.EntryFailed}, true, false, nil},
		{"set-up has failed", []wire.RecordKind{wire.SetupFailed}, true, true, nil},
		{"call has failed", []wire.RecordKind{wire.Explanation, wire.CallFailed}, false, false, nil},
	}
	for _, test := range tests {
		for kind := wire.RecordKind(0); kind < wire.Explanation+5; kind++ {
			// An actor that starts before its namespaces are announced cannot be: it says so first.
			if test.name == "actor" && kind == wire.NamespacesReady {
				continue
			}
			r := reports{isActor: test.isActor, announced: test.announced}
			for _, said := range test.said {
				if !r.take(Record{Kind: said}) {
					t.Fatalf("%s: record %d is not believed", test.name, said)
				}
			}
			got := !r.closed && r.take(Record{Kind: kind})
			if want := slices.Contains(test.believed, kind); got != want {
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
	defer pair[0].Close()
	defer pair[1].Close()
	long := make([]byte, 2*recordSize)
	for _, message := range [][]byte{{1}, long, encodeRecord(wire.ScriptDone, 0, 0), long,
		encodeRecord(wire.ScriptDone, 0, 0)} {
		if err := unix.Sendmsg(int(pair[1].Fd()), message, nil, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	withFile := encodeRecord(wire.EntryFailed, 0, 0, "with a file")
	if err := unix.Sendmsg(int(pair[1].Fd()), withFile, unix.UnixRights(0), nil, 0); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"the first", "the second"} {
		if err := unix.Sendmsg(int(pair[1].Fd()), encodeRecord(wire.EntryFailed, 0, 0, text), nil, nil,
			0); err != nil {
			t.Fatal(err)
		}
	}
	r := reports{socket: pair[0], isActor: true}
	r.drain()
	if last := r.last(); last.Kind != wire.EntryFailed || last.Field(0) != "the first" ||
		!r.scriptDone() {
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
	defer pair[0].Close()
	defer pair[1].Close()
	c := &Child{
		reports: reports{socket: pair[0]},
		born:    make(chan struct{}),
		ended:   make(chan struct{}),
	}
	awaited := make(chan error)
	go func() { awaited <- c.awaitBirth(t.Context()) }()
	c.Lost()
	select {
	case err := <-awaited:
		var serverError *forkserver.Error
		if !errors.As(err, &serverError) {
			t.Errorf("%T %v", err, err)
		}
	case <-time.After(30 * time.Second):
		t.Error("still waiting")
	}
}
