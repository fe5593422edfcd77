//go:build (linux || freebsd) && cgo

package mailbox

import (
	"encoding/binary"
	"math"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bodyReader reads a body that is in memory or in a sealed memfd. A memfd is read through a window
// and never mapped: reading a hole or a page that is gone is an error then and no SIGBUS, and costs
// no memory.
type bodyReader struct {
	window   []byte // what of the body is in memory
	start    int64  // where that begins
	position int64
	size     int64
	memfd    int // -1: the window is the body
}

func (r *bodyReader) remaining() int64 { return r.size - r.position }

// peek returns the next n bytes, fewer only at the end of the body or if the memfd cannot be read.
// n is less than the capacity of the window.
func (r *bodyReader) peek(n int) []byte {
	n = int(min(int64(n), r.remaining()))
	if offset := r.position - r.start; offset >= 0 && offset+int64(n) <= int64(len(r.window)) {
		return r.window[offset:][:n]
	}
	r.start = r.position
	r.window = r.window[:min(int64(cap(r.window)), r.remaining())]
	read := preadFull(r.memfd, r.window, r.position)
	r.window = r.window[:read]
	return r.window[:min(n, read)]
}

func (r *bodyReader) skip(n uint64) *MessageError {
	if n > uint64(r.remaining()) {
		return errTruncated()
	}
	r.position += int64(n)
	return nil
}

// bytes returns a copy of the next n bytes, which are there.
func (r *bodyReader) bytes(n uint64) ([]byte, *MessageError) {
	b := make([]byte, n)
	done := 0
	if offset := r.position - r.start; offset >= 0 && offset < int64(len(r.window)) {
		done = copy(b, r.window[offset:])
	}
	if done < len(b) && preadFull(r.memfd, b[done:], r.position+int64(done)) < len(b)-done {
		return nil, errTruncated()
	}
	r.position += int64(n)
	return b, nil
}

func (r *bodyReader) text(n uint64) (string, *MessageError) {
	b, err := r.bytes(n)
	return unsafe.String(unsafe.SliceData(b), len(b)), err
}

// preadFull reads until b is full and returns how much it could read.
func preadFull(fd int, b []byte, offset int64) int {
	read := 0
	for read < len(b) {
		n, err := unix.Pread(fd, b[read:], offset+int64(read))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			break
		}
		read += n
	}
	return read
}

func errTruncated() *MessageError { return messageErrorf("malformed: the body ends inside a value") }

// The major types of CBOR (RFC 8949, section 3.1), and the simple values and floats of the last.
const (
	cborUint = iota
	cborNegative
	cborBytes
	cborText
	cborArray
	cborMap
	cborTag
	cborOther

	cborFalse, cborTrue             = 20, 21
	cborNull, cborUndefined         = 22, 23
	cborHalf, cborFloat, cborDouble = 25, 26, 27
)

// cborHead is the beginning of an item (RFC 8949, section 3): a major type and an argument.
type cborHead struct {
	major, info byte
	argument    uint64
}

func (r *bodyReader) head() (cborHead, *MessageError) {
	b := r.peek(9)
	if len(b) == 0 {
		return cborHead{}, errTruncated()
	}
	h := cborHead{major: b[0] >> 5, info: b[0] & 31}
	size := 0
	switch {
	case h.info < 24:
		h.argument = uint64(h.info)
	case h.info <= 27:
		size = 1 << (h.info - 24)
		if len(b) <= size {
			return h, errTruncated()
		}
		var argument [8]byte
		copy(argument[8-size:], b[1:])
		h.argument = binary.BigEndian.Uint64(argument[:])
	case h.info == 31:
		return h, messageErrorf("malformed: an item of indefinite length")
	default:
		return h, messageErrorf("malformed: additional information %d is reserved", h.info)
	}
	r.position += 1 + int64(size)
	return h, nil
}

// scalar returns the value of an item that is only a head: a bool or a number.
func (h cborHead) scalar() any {
	switch {
	case h.major == cborNegative:
		return ^int64(h.argument)
	case h.major == cborUint && h.argument <= math.MaxInt64:
		return int64(h.argument)
	case h.major == cborUint:
		return h.argument
	case h.info == cborHalf:
		return halfFloat(uint16(h.argument))
	case h.info == cborFloat:
		return float64(math.Float32frombits(uint32(h.argument)))
	case h.info == cborDouble:
		return math.Float64frombits(h.argument)
	}
	return h.info == cborTrue
}

func (h cborHead) isNaN() bool {
	if h.major != cborOther {
		return false
	}
	f, isFloat := h.scalar().(float64)
	return isFloat && math.IsNaN(f)
}

// halfFloat converts from IEEE 754 binary16.
func halfFloat(bits uint16) float64 {
	exponent, fraction := int(bits>>10&31), float64(bits&0x3ff)
	var f float64
	switch exponent {
	case 0:
		f = math.Ldexp(fraction, -24)
	case 31:
		if f = math.Inf(1); fraction != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(1024+fraction, exponent-25)
	}
	if bits>>15 != 0 {
		return math.Copysign(f, -1)
	}
	return f
}
