//go:build (linux || freebsd) && cgo

package initscript

import (
	"encoding/binary"
	"math"
	"strconv"
)

// messageDecoder decodes a body in two passes. The first looks at the heads only: it finds all that
// is wrong but a duplicate key, and bounds what the second can allocate.
type messageDecoder struct {
	in          bodyReader
	cost        messageCost
	limit       int64
	descriptors *descriptors
	used        []bool // by index: whether the body refers to the descriptor
	mixed       []bool // for each map, in order: whether a key is anything but a string
}

// decodeMessage makes the value of a packet, with a place for each of its files and channels that
// descriptors.fill fills. scratch is memory to read a memfd through.
func decodeMessage(packet []byte, descriptors *descriptors, limit int64, scratch []byte) (any,
	*MessageError) {
	d := messageDecoder{limit: limit, descriptors: descriptors}
	err := d.header(packet, scratch)
	if err == nil {
		err = d.check()
	}
	var value any
	if err == nil {
		d.in.position = 0
		value, err = d.value()
	}
	descriptors.closeMemfd()
	if err != nil {
		err.Op = "receive message"
		return nil, err
	}
	return value, nil
}

// header checks the header and finds the body.
func (d *messageDecoder) header(packet, scratch []byte) *MessageError {
	if len(packet) < messageHeaderSize {
		return messageErrorf("malformed: %d bytes are no header", len(packet))
	}
	version, flags := packet[0], packet[1]
	count := int(binary.NativeEndian.Uint16(packet[2:]))
	length := int64(binary.NativeEndian.Uint32(packet[4:]))
	body := packet[messageHeaderSize:]
	switch {
	case version != messageVersion:
		return messageErrorf("version %d of the format, not %d", version, messageVersion)
	case flags&^messageInMemfd != 0:
		return messageErrorf("malformed: unknown flags %#x", flags&^messageInMemfd)
	case count != d.descriptors.count():
		return messageErrorf("malformed: %d descriptors, the header says %d",
			d.descriptors.count(), count)
	}
	d.cost.body = length
	if err := d.cost.check(d.limit); err != nil {
		return err
	}
	if flags&messageInMemfd == 0 {
		if int64(len(body)) != length {
			return messageErrorf("malformed: a body of %d bytes, the header says %d", len(body), length)
		}
		d.in = bodyReader{window: body, size: length, memfd: -1}
	} else {
		if len(body) != 0 {
			return messageErrorf("malformed: %d bytes beside the body in the memfd", len(body))
		}
		memfd, err := d.descriptors.openMemfd(length)
		if err != nil {
			return err
		}
		d.in = bodyReader{window: scratch[:0], size: length, memfd: memfd}
	}
	d.used = make([]bool, d.descriptors.count()-d.descriptors.first)
	if len(d.used) > maxMessageFiles {
		return errTooManyFiles()
	}
	d.cost.descriptors = int64(len(d.used))
	return d.cost.check(d.limit)
}

// check is the first pass.
func (d *messageDecoder) check() *MessageError {
	if err := d.checkItem(0); err != nil {
		return err
	}
	if rest := d.in.remaining(); rest != 0 {
		return messageErrorf("malformed: %d bytes after the end of the value", rest)
	}
	for index, used := range d.used {
		if !used {
			return messageErrorf("malformed: nothing refers to descriptor %d", index)
		}
	}
	return nil
}

// checkItem checks an item that has depth containers around it.
func (d *messageDecoder) checkItem(depth int) *MessageError {
	head, err := d.checkHead()
	if err != nil {
		return err
	}
	switch head.major {
	case cborBytes:
		return d.skipString(head.argument)
	case cborArray:
		return d.checkArray(head, depth)
	case cborMap:
		return d.checkMap(head, depth)
	case cborTag:
		return d.checkTag(head)
	}
	return d.checkScalar(head)
}

// checkHead reads a head and counts its item.
func (d *messageDecoder) checkHead() (cborHead, *MessageError) {
	head, err := d.in.head()
	if err != nil {
		return head, err
	}
	d.cost.items++
	if head.major == cborMap {
		d.cost.maps++
	}
	return head, d.cost.check(d.limit)
}

func (d *messageDecoder) skipString(length uint64) *MessageError {
	if err := d.in.skip(length); err != nil {
		return err
	}
	d.cost.longest = max(d.cost.longest, int64(length))
	return d.cost.check(d.limit)
}

// checkScalar checks what can be a map key, too.
func (d *messageDecoder) checkScalar(head cborHead) *MessageError {
	switch head.major {
	case cborUint:
		return nil
	case cborNegative:
		if head.argument > math.MaxInt64 {
			return messageErrorf("an integer less than -2^63 cannot be received")
		}
		return nil
	case cborText:
		return d.skipString(head.argument)
	case cborOther:
		switch head.info {
		case cborFalse, cborTrue, cborHalf, cborFloat, cborDouble:
			return nil
		case cborNull, cborUndefined:
			return messageErrorf("null and undefined cannot be received")
		}
		return messageErrorf("malformed: unknown simple value")
	}
	return messageErrorf("a map key must be a bool, a number or a string")
}

func (d *messageDecoder) checkArray(head cborHead, depth int) *MessageError {
	if depth == maxMessageDepth {
		return errTooDeep()
	}
	if head.argument > uint64(d.in.remaining()) { // an item is a byte at least
		return errTruncated()
	}
	for i := range head.argument {
		if err := d.checkItem(depth + 1); err != nil {
			return err.in("[" + strconv.FormatUint(i, 10) + "]")
		}
	}
	return nil
}

func (d *messageDecoder) checkMap(head cborHead, depth int) *MessageError {
	if depth == maxMessageDepth {
		return errTooDeep()
	}
	if head.argument > uint64(d.in.remaining())/2 {
		return errTruncated()
	}
	number := len(d.mixed)
	d.mixed = append(d.mixed, false)
	for range head.argument {
		start := d.in.position
		d.cost.entries++
		key, err := d.checkHead()
		if err != nil {
			return err
		}
		if err := d.checkScalar(key); err != nil {
			return err
		}
		if key.isNaN() {
			return messageErrorf("NaN cannot be a map key")
		}
		if key.major != cborText {
			d.mixed[number] = true
		}
		if err := d.checkItem(depth + 1); err != nil {
			return err.in(d.keyAt(start))
		}
	}
	return nil
}

// keyAt shows a key that was checked, with as much of it as a path shows.
func (d *messageDecoder) keyAt(position int64) string {
	d.in.position = position
	head, err := d.in.head()
	if err != nil {
		return "[?]"
	}
	if head.major == cborText {
		return keyText(string(d.in.peek(int(min(head.argument, maxShownKey+1)))))
	}
	return keyText(head.scalar())
}

func (d *messageDecoder) checkTag(head cborHead) *MessageError {
	if head.argument != fileTag && head.argument != channelTag {
		return messageErrorf("malformed: unknown tag %d", head.argument)
	}
	content, err := d.checkHead()
	if err != nil {
		return err
	}
	index := content.argument
	switch {
	case content.major != cborUint:
		return messageErrorf("malformed: the index of a descriptor is no unsigned integer")
	case index >= uint64(len(d.used)):
		return messageErrorf("malformed: there is no descriptor %d, only %d came", index, len(d.used))
	case d.used[index]:
		return messageErrorf("malformed: descriptor %d is referred to twice", index)
	case head.argument == channelTag && !d.descriptors.IsChannel[d.descriptors.first+int(index)]:
		return messageErrorf("malformed: descriptor %d is no AF_UNIX SOCK_SEQPACKET socket", index)
	}
	d.used[index] = true
	return nil
}

// value is the second pass. It trusts the first.
func (d *messageDecoder) value() (any, *MessageError) {
	head, err := d.in.head()
	if err != nil {
		return nil, err
	}
	switch head.major {
	case cborBytes:
		return d.in.bytes(head.argument)
	case cborText:
		return d.in.text(head.argument)
	case cborArray:
		list := make([]any, head.argument)
		for i := range list {
			if list[i], err = d.value(); err != nil {
				return nil, err.in("[" + strconv.Itoa(i) + "]")
			}
		}
		return list, nil
	case cborMap:
		mixed := d.mixed[0]
		d.mixed = d.mixed[1:]
		if mixed {
			return decodeMap[any](d, int(head.argument))
		}
		return decodeMap[string](d, int(head.argument))
	case cborTag:
		content, err := d.in.head()
		if err != nil {
			return nil, err
		}
		return place{int(content.argument), head.argument == channelTag}, nil
	}
	return head.scalar(), nil
}

func decodeMap[K comparable](d *messageDecoder, length int) (any, *MessageError) {
	entries := make(map[K]any, length)
	for range length {
		decoded, err := d.value()
		if err != nil {
			return nil, err
		}
		key := decoded.(K)
		if _, duplicate := entries[key]; duplicate {
			return nil, messageErrorf("malformed: this key occurs twice").in(keyText(decoded))
		}
		if entries[key], err = d.value(); err != nil {
			return nil, err.in(keyText(decoded))
		}
	}
	return entries, nil
}
