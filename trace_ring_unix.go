//go:build (linux || freebsd) && cgo

package initscript

// #include "csrc/trace_ring.h"
import "C"

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/go-initscript/initscript/internal/memfd"
	"golang.org/x/sys/unix"
)

// traceRing is the host's side of the memory of csrc/trace_ring.h. What is in there comes from the
// child: nothing is believed.
type traceRing struct {
	memfd  int
	memory []byte
	header *C.struct_initscript_trace_ring
	tail   uint64
}

func newTraceRing() (*traceRing, error) {
	fd, err := memfd.Create("initscript trace", 0, memfd.NoExecSeal)
	if err != nil {
		return nil, err
	}
	r := &traceRing{memfd: fd}
	if err := r.mapMemory(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return r, nil
}

func (r *traceRing) mapMemory() (err error) {
	const size = C.INITSCRIPT_TRACE_SIZE
	if err := unix.Ftruncate(r.memfd, size); err != nil {
		return os.NewSyscallError("ftruncate", err)
	}
	// A ring that shrank would kill the reader by SIGBUS.
	const seals = memfd.SealSeal | memfd.SealShrink | memfd.SealGrow
	if err := memfd.AddSeals(r.memfd, seals); err != nil {
		return os.NewSyscallError("fcntl F_ADD_SEALS", err)
	}
	r.memory, err = unix.Mmap(r.memfd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	r.header = (*C.struct_initscript_trace_ring)(unsafe.Pointer(&r.memory[0]))
	r.header.clock = C.int32_t(quietClock())
	return nil
}

// closeMemfd is for when the child has it.
func (r *traceRing) closeMemfd() {
	if r.memfd >= 0 {
		unix.Close(r.memfd)
		r.memfd = -1
	}
}

func (r *traceRing) close() {
	r.closeMemfd()
	unix.Munmap(r.memory)
	r.memory, r.header = nil, nil
}

// lost returns how many calls did not fit.
func (r *traceRing) lost() uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&r.header.lost)))
}

var errTraceDamaged = errors.New("the trace is damaged")

// next returns the next record, or nil if there is none yet.
func (r *traceRing) next() (*traceRecord, error) {
	const dataSize, recordSize = C.INITSCRIPT_TRACE_DATA_SIZE, C.INITSCRIPT_TRACE_RECORD_SIZE
	const headerSize = uint64(unsafe.Sizeof(C.struct_initscript_trace_record{}))
	head := atomic.LoadUint64((*uint64)(unsafe.Pointer(&r.header.head)))
	offset := r.tail % dataSize
	if offset > dataSize-recordSize {
		r.tail += dataSize - offset
		offset = 0
	}
	if r.tail >= head { // the writer may not have gone on to the beginning yet
		return nil, nil
	}
	start := r.memory[C.INITSCRIPT_TRACE_HEADER_SIZE+offset:]
	header := *(*C.struct_initscript_trace_record)(unsafe.Pointer(&start[0]))
	size := uint64(header.size)
	if size < headerSize || size > recordSize || size%8 != 0 || size > head-r.tail {
		return nil, errTraceDamaged
	}
	record := &traceRecord{
		kind:        uint32(header.kind),
		id:          uint64(header.id),
		nanoseconds: int64(header.nanoseconds),
		lost:        uint64(header.lost),
		depth:       int(header.depth),
		line:        int(header.line),
		errno:       unix.Errno(header.error),
	}
	values := append([]byte(nil), start[headerSize:size]...) // the child could still write there
	r.tail += size
	atomic.StoreUint64((*uint64)(unsafe.Pointer(&r.header.tail)), r.tail)
	parser := traceParser{rest: values}
	record.values = parser.values(int(header.values))
	if parser.failed {
		return nil, errTraceDamaged
	}
	return record, nil
}

// traceRecord is one decoded struct initscript_trace_record.
type traceRecord struct {
	kind        uint32
	id          uint64
	nanoseconds int64
	lost        uint64
	depth       int
	line        int
	errno       unix.Errno
	values      []any
}

// The values of Lua in a record: nil, bool, float64, and these.
type (
	luaString struct {
		bytes  string
		length int // of the whole
	}
	luaTable []luaEntry
	luaEntry struct{ key, value any }
	luaOther string   // a value of this type
	luaCut   struct{} // what had no room
)

// traceParser reads the values of a record.
type traceParser struct {
	rest   []byte
	cut    bool // the end of the record is missing
	failed bool
}

func (p *traceParser) take(n uint64) []byte {
	if n > uint64(len(p.rest)) {
		p.failed = true
		return make([]byte, min(n, 8))
	}
	taken := p.rest[:n]
	p.rest = p.rest[n:]
	return taken
}

func (p *traceParser) values(count int) []any {
	var values []any
	for i := 0; i < count && !p.failed; i++ {
		value := p.value(0)
		values = append(values, value)
		if p.cut {
			if _, told := value.(luaCut); !told {
				values = append(values, luaCut{})
			}
			break
		}
	}
	return values
}

// tableEnd is what value returns at the end of a table.
type tableEnd struct{}

func (p *traceParser) value(nesting int) any {
	switch tag := p.take(1)[0]; tag {
	case C.INITSCRIPT_TRACE_NIL:
		return nil
	case C.INITSCRIPT_TRACE_FALSE, C.INITSCRIPT_TRACE_TRUE:
		return tag == C.INITSCRIPT_TRACE_TRUE
	case C.INITSCRIPT_TRACE_NUMBER:
		return math.Float64frombits(binary.NativeEndian.Uint64(p.take(8)))
	case C.INITSCRIPT_TRACE_STRING:
		return p.string()
	case C.INITSCRIPT_TRACE_OTHER:
		name, _ := p.value(nesting).(luaString)
		return luaOther(name.bytes)
	case C.INITSCRIPT_TRACE_TABLE:
		return p.table(nesting)
	case C.INITSCRIPT_TRACE_TABLE_END:
		return tableEnd{}
	case C.INITSCRIPT_TRACE_CUT:
		p.cut = true
		return luaCut{}
	}
	p.failed = true
	return nil
}

func (p *traceParser) string() luaString {
	length, shown := binary.NativeEndian.Uint32(p.take(4)), binary.NativeEndian.Uint32(p.take(4))
	return luaString{string(p.take(uint64(shown))), int(length)}
}

func (p *traceParser) table(nesting int) any {
	table := luaTable{}
	for !p.failed && nesting < C.INITSCRIPT_TRACE_NESTING {
		key := p.value(nesting + 1)
		switch key {
		case tableEnd{}:
			return table
		case luaCut{}:
			table = append(table, luaEntry{key, nil})
			continue
		}
		value := p.value(nesting + 1)
		if value == (tableEnd{}) { // the value had no room
			return append(table, luaEntry{luaCut{}, nil})
		}
		table = append(table, luaEntry{key, value})
	}
	p.failed = true
	return table
}
