package initscript

import (
	"encoding/binary"
	"testing"
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
