//go:build (linux || freebsd) && cgo

package mailbox

import (
	"bytes"
	"math"
	"os"
	"reflect"
	"strconv"

	"github.com/polydawn/refmt/cbor"
	"github.com/polydawn/refmt/tok"
)

// messageEncoder turns a value into a packet. It counts what the receiver will count.
type messageEncoder struct {
	packet bytes.Buffer
	cbor   *cbor.Encoder // into packet
	token  tok.Token
	cost   messageCost
	limit  int64
	files  []*os.File // in the order of their indexes
}

// encodeMessage returns the message with room for the header before the body, and the files that
// go with it. The files stay the caller's.
func encodeMessage(message any, limit int64) ([]byte, []*os.File, *MessageError) {
	e := messageEncoder{limit: limit}
	e.packet.Grow(256)
	e.packet.Write(make([]byte, messageHeaderSize))
	e.cbor = cbor.NewEncoder(&e.packet)
	if err := e.item(reflect.ValueOf(message), 0); err != nil {
		err.Op = "send message"
		return nil, nil, err
	}
	return e.packet.Bytes(), e.files, nil
}

// encode appends an item; content is how many bytes follow its head.
func (e *messageEncoder) encode(item tok.Token, content int) *MessageError {
	e.cost.items++
	e.cost.longest = max(e.cost.longest, int64(content))
	if err := e.charge(content); err != nil {
		return err
	}
	start := e.packet.Len()
	// Each item as if it were the whole body: keys of all kinds are allowed then, as in RFC 8949.
	e.cbor.Reset()
	e.token = item
	if _, err := e.cbor.Step(&e.token); err != nil {
		return messageErrorf("encode: %w", err)
	}
	return e.charge(e.packet.Len() - start - content)
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
			return e.encode(tok.Token{Type: tok.TBytes, Bytes: v.Bytes()}, v.Len())
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
	case v.Kind() == reflect.Bool:
		return true, e.encode(tok.Token{Type: tok.TBool, Bool: v.Bool()}, 0)
	case v.CanInt():
		return true, e.encode(tok.Token{Type: tok.TInt, Int: v.Int()}, 0)
	case v.CanUint():
		return true, e.encode(tok.Token{Type: tok.TUint, Uint: v.Uint()}, 0)
	case v.CanFloat():
		return true, e.float(v.Float())
	case v.Kind() == reflect.String:
		return true, e.encode(tok.Token{Type: tok.TString, Str: v.String()}, v.Len())
	}
	return false, nil
}

func (e *messageEncoder) float(f float64) *MessageError {
	return e.encode(tok.Token{Type: tok.TFloat64, Float64: f}, 0)
}

func (e *messageEncoder) slice(v reflect.Value, depth int) *MessageError {
	if depth == maxMessageDepth {
		return errTooDeep()
	}
	if err := e.encode(tok.Token{Type: tok.TArrOpen, Length: v.Len()}, 0); err != nil {
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
	if err := e.encode(tok.Token{Type: tok.TMapOpen, Length: v.Len()}, 0); err != nil {
		return err
	}
	// int8(1) and int64(1) are two keys of a map[any]any and one on the wire.
	var keys map[string]struct{}
	if v.Type().Key().Kind() == reflect.Interface {
		keys = make(map[string]struct{})
	}
	for entries := v.MapRange(); entries.Next(); {
		start := e.packet.Len()
		key := entries.Key()
		e.cost.entries++
		if err := e.key(key); err != nil {
			return err
		}
		if keys != nil {
			keys[string(e.packet.Bytes()[start:])] = struct{}{}
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
	e.cost.items++ // the tag is one, too
	index := uint64(len(e.files))
	e.files = append(e.files, file)
	return e.encode(tok.Token{Type: tok.TUint, Uint: index, Tagged: true, Tag: int(tag)}, 0)
}
