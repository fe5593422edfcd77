package mailbox

import (
	"context"
	"errors"
	"io"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Any packet with any body in a memfd and any descriptors is refused with a *MessageError or is a
// value that can be sent again, keeps no descriptor open that is not in the value, and costs no
// more memory than the limit.
func FuzzDecodeMessage(f *testing.F) {
	for _, row := range malformedPackets(f) {
		if len(row.Kinds) < 10 {
			f.Add(row.Packet, row.Body, row.Kinds)
		}
	}
	body := "a3 6161" + fileHead + "00 6162" + channelHead + "01 6163 82 fb400921fb54442d18 4100"
	f.Add(rawPacket(f, 0, 2, body), []byte{}, "fc")
	f.Add(memfdPacket(1, 5), []byte("\xa2\x01\x02\x03\x04"), "M")
	const limit = 1 << 20
	const kinds = "MSGWfpcsnP-"
	scratch := make([]byte, messageHeaderSize+maxInlineBody)
	f.Fuzz(func(t *testing.T, packet, body []byte, wanted string) {
		if len(packet) > messageHeaderSize+maxInlineBody || len(wanted) > 16 {
			return
		}
		var choice strings.Builder
		for _, letter := range []byte(wanted) {
			if strings.IndexByte(kinds, letter) < 0 {
				letter = kinds[int(letter)%len(kinds)]
			}
			choice.WriteByte(letter)
		}
		before := countDescriptors(t)
		// Some of the many descriptors are files that t.TempDir keeps, not open ones.
		d := takenDescriptors(descriptorsOf(t, choice.String(), body))
		var value any
		var err *MessageError
		used := allocated(func() { value, err = decodeMessage(packet, d, limit, scratch) })
		if used > limit+1<<16 { // the runtime and the fuzzer allocate, too
			t.Errorf("%d bytes were allocated", used)
		}
		if err == nil {
			value, err = d.fill(value)
		}
		if err == nil {
			again, files, err := encodeMessage(value, math.MaxInt64/2)
			if err != nil {
				t.Fatalf("%#v cannot be sent: %v", value, err)
			}
			if len(files) != len(d.fds)-d.first {
				t.Errorf("%d descriptors became %d files and channels", len(d.fds), len(files))
			}
			if len(again)-messageHeaderSize > 9*(len(packet)+len(body)) {
				t.Errorf("a body of %d bytes", len(again))
			}
		} else if err.Op == "" || err.Err == nil {
			t.Errorf("incomplete error %#v", err)
		}
		closeValue(value)
		d.close()
		closeDescriptors(nil)
		awaitDescriptors(t, before)
	})
}

// awaitDescriptors waits until no more descriptors are open than before: some are closed aside.
func awaitDescriptors(t *testing.T, before int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); countDescriptors(t) > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors are open, and %d were", countDescriptors(t), before)
		}
		time.Sleep(time.Millisecond)
	}
}

// closeValue closes the files and channels of a received value.
func closeValue(value any) {
	switch value := value.(type) {
	case io.Closer:
		value.Close()
	case []any:
		for _, element := range value {
			closeValue(element)
		}
	case map[string]any:
		for _, element := range value {
			closeValue(element)
		}
	case map[any]any:
		for _, element := range value {
			closeValue(element)
		}
	}
}

// messageBuilder makes a value and what is to become of it, from bytes that say how.
type messageBuilder struct {
	input []byte
	long  bool // there is a long string already
}

func (b *messageBuilder) next() byte {
	if len(b.input) == 0 {
		return 0
	}
	first := b.input[0]
	b.input = b.input[1:]
	return first
}

func (b *messageBuilder) number(size int) uint64 {
	var n uint64
	for range size {
		n = n<<8 | uint64(b.next())
	}
	return n
}

func (b *messageBuilder) text() string {
	length := int(b.next())
	if length == 255 && !b.long {
		b.long = true
		return strings.Repeat("long", int(b.number(2)))
	}
	length = min(length, len(b.input))
	s := string(b.input[:length])
	b.input = b.input[length:]
	return s
}

func (b *messageBuilder) scalar() (sent, want any) {
	switch n := b.number(8); b.next() % 8 {
	case 0:
		return int64(n), int64(n)
	case 1:
		return int8(n), int64(int8(n))
	case 2:
		if n > math.MaxInt64 {
			return n, n
		}
		return n, int64(n)
	case 3:
		return uint16(n), int64(uint16(n))
	case 4:
		return n&1 == 0, n&1 == 0
	case 5:
		f := math.Float64frombits(n)
		if f != f || f == 0 { // neither is equal to what it becomes
			f = 1
		}
		return f, f
	case 6:
		return float32(int32(n)), float64(float32(int32(n)))
	default:
		s := b.text()
		return s, s
	}
}

func (b *messageBuilder) value(depth int) (sent, want any) {
	kind := b.next() % 8
	if depth == maxMessageDepth && kind >= 4 {
		kind = 0
	}
	switch kind {
	case 0, 1, 2:
		return b.scalar()
	case 3:
		s := b.text()
		return []byte(s), []byte(s)
	case 4:
		list := make([]int16, b.next())
		values := make([]any, len(list))
		for i := range list {
			list[i] = int16(b.number(2))
			values[i] = int64(list[i])
		}
		return list, values
	case 5:
		length := int(b.next() % 16)
		list, values := make([]any, length), make([]any, length)
		for i := range list {
			list[i], values[i] = b.value(depth + 1)
		}
		return list, values
	case 6:
		entries, values := map[string]any{}, map[string]any{}
		for range b.next() % 16 {
			key := b.text()
			entries[key], values[key] = b.value(depth + 1)
		}
		return entries, values
	default:
		entries, values := map[any]any{}, map[any]any{}
		strings := map[string]any{}
		for range b.next() % 16 {
			key, wantKey := b.scalar()
			if _, taken := values[wantKey]; taken {
				continue
			}
			entries[key], values[wantKey] = b.value(depth + 1)
			if s, isString := wantKey.(string); isString {
				strings[s] = values[wantKey]
			}
		}
		if len(strings) == len(values) {
			return entries, strings
		}
		return entries, values
	}
}

// What is sent arrives, whatever it is.
func FuzzMessageRoundTrip(f *testing.F) {
	for _, seed := range []string{
		"", "\x03\x05bytes", "\x03\xff\x60\x00", "\x04\xff", "\x05\x03\x06\x01\x01k\x07\x02",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		inbox := NewInbox()
		defer inbox.Close()
		channel, err := inbox.Address()
		if err != nil {
			t.Fatal(err)
		}
		defer channel.Close()
		sent, want := (&messageBuilder{input: input}).value(0)
		err = channel.Send(context.Background(), sent)
		var messageErr *MessageError
		if errors.As(err, &messageErr) && strings.Contains(err.Error(), "too large") {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := inbox.Receive(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("sent %#v\nreceived %#v\nwant %#v", sent, got, want)
		}
	})
}

// allocated returns what the runtime says that the process allocates during the call.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}
