package start

import (
	"encoding/binary"
	"errors"
	"syscall"
	"unsafe"

	"github.com/go-initscript/initscript/internal/wire"
)

// Record is one decoded struct initscript_record.
type Record struct {
	Kind   wire.RecordKind
	Err    syscall.Errno
	Line   int
	Fields []string
}

// Field returns a field of the record, "" if it has fewer.
func (r *Record) Field(i int) string {
	if i < len(r.Fields) {
		return r.Fields[i]
	}
	return ""
}

var errMalformed = errors.New("malformed report from the child")

func decodeRecord(message []byte) (Record, error) {
	var header wire.RecordHeader
	if len(message) < int(unsafe.Sizeof(header)) {
		return Record{}, errMalformed
	}
	copy(wire.Bytes(&header), message)
	r := Record{
		Kind: header.Kind,
		Err:  syscall.Errno(header.Error),
		Line: int(header.Line),
	}
	rest := message[unsafe.Sizeof(header):]
	for range header.Fields {
		if len(rest) < 4 {
			return Record{}, errMalformed
		}
		length := binary.NativeEndian.Uint32(rest)
		rest = rest[4:]
		if uint64(length) > uint64(len(rest)) {
			return Record{}, errMalformed
		}
		r.Fields = append(r.Fields, string(rest[:length]))
		rest = rest[length:]
	}
	return r, nil
}

// failed reports whether the record is the last word of a child whose script, or whose preparations for
// it, have failed.
func (r *Record) failed() bool {
	switch r.Kind {
	case wire.SetupFailed, wire.CallFailed, wire.ScriptFailed,
		wire.LoadFailed, wire.MemoryExhausted:
		return true
	}
	return false
}

// SetupError returns the error of a record [wire.SetupFailed].
func (r *Record) SetupError() error {
	if r.Field(0) == "unshare" {
		return &NamespaceError{r.Err}
	}
	return &SetupError{r.Field(0), r.Err}
}
