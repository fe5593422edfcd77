//go:build (linux || freebsd) && cgo

package mailbox

import (
	"encoding/binary"
	"math"
	"os"
	"reflect"
	"strconv"
)

// messageEncoder turns a value into a packet. It counts what the receiver will count.
type messageEncoder struct {
	packet []byte
	cost   messageCost
	limit  int64
	files  []*os.File // in the order of their indexes
}

// encodeMessage returns the message with room for the header before the body, and the files that
// go with it. The files stay the caller's.
func encodeMessage(message any, limit int64) ([]byte, []*os.File, *MessageError) {
	e := messageEncoder{limit: limit, packet: make([]byte, messageHeaderSize, 256)}
	if err := e.item(reflect.ValueOf(message), 0); err != nil {
		err.Op = "send message"
		return nil, nil, err
	}
	return e.packet, e.files, nil
}

// begin counts an item that has a head of headSize bytes and then content bytes, before it is appended.
func (e *messageEncoder) begin(headSize, content int) *MessageError {
	e.cost.items++
	e.cost.longest = max(e.cost.longest, int64(content))
	return e.charge(headSize + content)
}

// head appends the head of an item, as short as the argument allows; content bytes follow it.
func (e *messageEncoder) head(major byte, argument uint64, content int) *MessageError {
	var head [9]byte
	b := appendHead(head[:0], major, argument)
	if err := e.begin(len(b), content); err != nil {
		return err
	}
	e.packet = append(e.packet, b...)
	return nil
}

// appendHead appends a major type and its argument (RFC 8949, section 3) in the fewest bytes that hold
// it.
func appendHead(b []byte, major byte, argument uint64) []byte {
	major <<= 5
	switch {
	case argument < 24:
		return append(b, major|byte(argument))
	case argument <= math.MaxUint8:
		return append(b, major|24, byte(argument))
	case argument <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(argument))
	case argument <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(argument))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), argument)
}

func (e *messageEncoder) charge(bytes int) *MessageError {
	e.cost.body += int64(bytes)
	if e.cost.body > maxMessageBody {
		return messageErrorf("too large: more than %d bytes when encoded", int64(maxMessageBody))
	}
	return e.cost.check(e.limit)
}

// item encodes a value that has depth containers around it.
func (e *messageEncoder) item(v reflect.Value, depth int) *MessageError {
	if !v.IsValid() {
		return messageErrorf("nil cannot be sent")
	}
	switch v.Type() {
	case fileType:
		return e.file(fileTag, v.Interface().(*os.File))
	case channelType:
		channel := v.Interface().(*Channel)
		if channel == nil {
			return messageErrorf("a nil channel cannot be sent")
		}
		return e.file(channelTag, channel.socket)
	}
	switch v.Kind() {
	case reflect.Interface:
		return e.item(v.Elem(), depth)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if err := e.head(cborBytes, uint64(v.Len()), v.Len()); err != nil {
				return err
			}
			e.packet = append(e.packet, v.Bytes()...)
			return nil
		}
		return e.slice(v, depth)
	case reflect.Map:
		return e.dictionary(v, depth)
	}
	if known, err := e.scalar(v); known {
		return err
	}
	return messageErrorf("a value of type %s cannot be sent", v.Type())
}

// scalar encodes what can be a map key, too.
func (e *messageEncoder) scalar(v reflect.Value) (known bool, err *MessageError) {
	switch {
	case v.Kind() == reflect.Bool && v.Bool():
		return true, e.head(cborOther, cborTrue, 0)
	case v.Kind() == reflect.Bool:
		return true, e.head(cborOther, cborFalse, 0)
	case v.CanInt() && v.Int() < 0:
		return true, e.head(cborNegative, uint64(^v.Int()), 0)
	case v.CanInt():
		return true, e.head(cborUint, uint64(v.Int()), 0)
	case v.CanUint():
		return true, e.head(cborUint, v.Uint(), 0)
	case v.CanFloat():
		return true, e.float(v.Float())
	case v.Kind() == reflect.String:
		return true, e.text(v.String())
	}
	return false, nil
}

// float always takes 8 bytes: a number of Lua is one, too.
func (e *messageEncoder) float(f float64) *MessageError {
	if err := e.begin(9, 0); err != nil {
		return err
	}
	e.packet = append(e.packet, cborOther<<5|cborDouble)
	e.packet = binary.BigEndian.AppendUint64(e.packet, math.Float64bits(f))
	return nil
}

func (e *messageEncoder) text(s string) *MessageError {
	if err := e.head(cborText, uint64(len(s)), len(s)); err != nil {
		return err
	}
	e.packet = append(e.packet, s...)
	return nil
}

func (e *messageEncoder) slice(v reflect.Value, depth int) *MessageError {
	if depth == maxMessageDepth {
		return errTooDeep()
	}
	if err := e.head(cborArray, uint64(v.Len()), 0); err != nil {
		return err
	}
	for i := range v.Len() {
		if err := e.item(v.Index(i), depth+1); err != nil {
			return err.in("[" + strconv.Itoa(i) + "]")
		}
	}
	return nil
}

func (e *messageEncoder) dictionary(v reflect.Value, depth int) *MessageError {
	if depth == maxMessageDepth {
		return errTooDeep()
	}
	e.cost.maps++
	if err := e.head(cborMap, uint64(v.Len()), 0); err != nil {
		return err
	}
	// int8(1) and int64(1) are two keys of a map[any]any and one on the wire.
	var keys map[string]struct{}
	if v.Type().Key().Kind() == reflect.Interface {
		keys = make(map[string]struct{})
	}
	for entries := v.MapRange(); entries.Next(); {
		start := len(e.packet)
		key := entries.Key()
		e.cost.entries++
		if err := e.key(key); err != nil {
			return err
		}
		if keys != nil {
			keys[string(e.packet[start:])] = struct{}{}
		}
		if err := e.item(entries.Value(), depth+1); err != nil {
			return err.in(keyText(plainKey(key)))
		}
	}
	if keys != nil && len(keys) != v.Len() {
		return messageErrorf("two keys of this map differ in their Go type only")
	}
	return nil
}

func (e *messageEncoder) key(v reflect.Value) *MessageError {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() {
		return messageErrorf("nil cannot be a map key")
	}
	if v.CanFloat() {
		switch f := v.Float(); {
		case math.IsNaN(f):
			return messageErrorf("NaN cannot be a map key")
		case f == 0:
			return e.float(0) // not -0, which is the same key
		}
	}
	if known, err := e.scalar(v); known {
		return err
	}
	return messageErrorf("a value of type %s cannot be a map key", v.Type())
}

// plainKey is the key without its named type, whose String method is not for paths.
func plainKey(v reflect.Value) any {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.String:
		return v.String()
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	case v.CanFloat():
		return v.Float()
	}
	return v.Bool()
}

// file refers to one more descriptor. A file that occurs twice is sent twice: each of the
// receiver's files has an owner.
func (e *messageEncoder) file(tag uint64, file *os.File) *MessageError {
	what := "file"
	if tag == channelTag {
		what = "channel"
	}
	connection, err := file.SyscallConn()
	if err != nil {
		return messageErrorf("a nil %s cannot be sent", what)
	}
	if err := connection.Control(func(uintptr) {}); err != nil {
		return messageErrorf("a closed %s cannot be sent: %w", what, os.ErrClosed)
	}
	if len(e.files) == maxMessageFiles {
		return errTooManyFiles()
	}
	e.cost.descriptors++
	index := uint64(len(e.files))
	e.files = append(e.files, file)
	if err := e.head(cborTag, tag, 0); err != nil {
		return err
	}
	return e.head(cborUint, index, 0)
}
