//go:build (linux || freebsd) && cgo

package trace

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/go-initscript/initscript/internal/memfd"
	"golang.org/x/sys/unix"
)

// ring is the host's side of the memory that csrc/trace_ring.h describes. What is in there comes from
// the child: nothing is believed.
type ring struct {
	memfd  int
	memory []byte
	header *RingHeader
	tail   uint64
}

func newRing() (*ring, error) {
	fd, err := memfd.Create("initscript trace", 0, memfd.NoExecSeal)
	if err != nil {
		return nil, err
	}
	r := &ring{memfd: fd}
	if err := r.mapMemory(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return r, nil
}

func (r *ring) mapMemory() (err error) {
	if err := unix.Ftruncate(r.memfd, RingSize); err != nil {
		return os.NewSyscallError("ftruncate", err)
	}
	// A ring that shrank would kill the reader by SIGBUS.
	const seals = memfd.SealSeal | memfd.SealShrink | memfd.SealGrow
	if err := memfd.AddSeals(r.memfd, seals); err != nil {
		return os.NewSyscallError("fcntl F_ADD_SEALS", err)
	}
	r.memory, err = unix.Mmap(r.memfd, 0, RingSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	r.header = (*RingHeader)(unsafe.Pointer(&r.memory[0]))
	r.header.Clock = int32(quietClock())
	return nil
}

// closeMemfd is for when the child has it.
func (r *ring) closeMemfd() {
	if r.memfd >= 0 {
		unix.Close(r.memfd)
		r.memfd = -1
	}
}

func (r *ring) close() {
	r.closeMemfd()
	unix.Munmap(r.memory)
	r.memory, r.header = nil, nil
}

// lost returns how many calls did not fit.
func (r *ring) lost() uint64 {
	return atomic.LoadUint64(&r.header.Lost)
}

var errDamaged = errors.New("the trace is damaged")

// next returns the next record, or nil if there is none yet.
func (r *ring) next() (*record, error) {
	const headerSize = uint64(unsafe.Sizeof(RecordHeader{}))
	head := atomic.LoadUint64(&r.header.Head)
	offset := r.tail % DataSize
	if offset > DataSize-RecordSize {
		r.tail += DataSize - offset
		offset = 0
	}
	if r.tail >= head { // the writer may not have gone on to the beginning yet
		return nil, nil
	}
	start := r.memory[HeaderSize+offset:]
	header := *(*RecordHeader)(unsafe.Pointer(&start[0]))
	size := uint64(header.Size)
	if size < headerSize || size > RecordSize || size%8 != 0 || size > head-r.tail {
		return nil, errDamaged
	}
	decoded := &record{
		kind:        header.Kind,
		id:          header.ID,
		nanoseconds: int64(header.Nanoseconds),
		lost:        header.Lost,
		depth:       int(header.Depth),
		line:        int(header.Line),
		errno:       unix.Errno(header.Error),
	}
	values := parser{rest: slices.Clone(start[headerSize:size])} // the child could still write there
	r.tail += size
	atomic.StoreUint64(&r.header.Tail, r.tail)
	decoded.values = values.values(int(header.Values))
	if values.failed {
		return nil, errDamaged
	}
	return decoded, nil
}

// record is one decoded struct initscript_trace_record.
type record struct {
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

// parser reads the values of a record.
type parser struct {
	rest   []byte
	cut    bool // the end of the record is missing
	failed bool
}

func (p *parser) take(n uint64) []byte {
	if n > uint64(len(p.rest)) {
		p.failed = true
		return make([]byte, min(n, 8))
	}
	taken := p.rest[:n]
	p.rest = p.rest[n:]
	return taken
}

func (p *parser) values(count int) []any {
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

func (p *parser) value(nesting int) any {
	switch tag := p.take(1)[0]; tag {
	case TagNil:
		return nil
	case TagFalse, TagTrue:
		return tag == TagTrue
	case TagNumber:
		return math.Float64frombits(binary.NativeEndian.Uint64(p.take(8)))
	case TagString:
		return p.string()
	case TagOther:
		name, _ := p.value(nesting).(luaString)
		return luaOther(name.bytes)
	case TagTable:
		return p.table(nesting)
	case TagTableEnd:
		return tableEnd{}
	case TagCut:
		p.cut = true
		return luaCut{}
	}
	p.failed = true
	return nil
}

func (p *parser) string() luaString {
	length, shown := binary.NativeEndian.Uint32(p.take(4)), binary.NativeEndian.Uint32(p.take(4))
	return luaString{string(p.take(uint64(shown))), int(length)}
}

func (p *parser) table(nesting int) any {
	table := luaTable{}
	for !p.failed && nesting < Nesting {
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
