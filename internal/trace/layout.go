//go:build (linux || freebsd) && cgo

package trace

// The layout of the ring, as csrc/trace_ring.h declares it for the child, with its comments. The package
// at the module's root includes both, and does not compile if they differ.

// Sizes in bytes, and how deep the tables are nested that are shown.
const (
	HeaderSize = 4096
	DataSize   = 4 << 20
	RingSize   = HeaderSize + DataSize
	RecordSize = 16384
	Nesting    = 3
)

// RingHeader is struct initscript_trace_ring.
type RingHeader struct {
	Head, Lost uint64
	_          [3]uint64 // the child's own
	Clock      int32
	_          int32
	_          [8]uint64 // a cache line
	Tail       uint64
}

// RecordHeader is struct initscript_trace_record.
type RecordHeader struct {
	Size, Kind            uint32
	ID, Nanoseconds, Lost uint64
	Depth                 uint32
	Line, Error           int32
	Values                uint32
}

// Kinds of records: enum initscript_trace_kind.
const (
	KindCall = 1 + iota
	KindReturn
	KindFailed
	KindEnd
)

// What a value begins with: enum initscript_trace_tag.
const (
	TagNil = 1 + iota
	TagFalse
	TagTrue
	TagNumber
	TagString
	TagOther
	TagTable
	TagTableEnd
	TagCut
)
