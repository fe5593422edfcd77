package mailbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-initscript/initscript/internal/actortest"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/mailbox"
	"golang.org/x/sys/unix"
)

// newInbox returns an inbox and one channel to it.
func newInbox(t testing.TB) (*mailbox.Inbox, *mailbox.Channel) {
	t.Helper()
	inbox := mailbox.NewInbox()
	t.Cleanup(func() { inbox.Close() })
	return inbox, address(t, inbox)
}

func address(t testing.TB, inbox *mailbox.Inbox) *mailbox.Channel {
	t.Helper()
	channel, err := inbox.Address()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { channel.Close() })
	return channel
}

func send(t testing.TB, channel *mailbox.Channel, message any) {
	t.Helper()
	if err := channel.Send(actortest.Context(t), message); err != nil {
		t.Fatalf("send %T: %v", message, err)
	}
}

func receive(t testing.TB, inbox *mailbox.Inbox) any {
	t.Helper()
	message, err := inbox.Receive(actortest.Context(t))
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	return message
}

// openDescriptors counts those of this process.
func openDescriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// checkDescriptors fails at the end of the test if more descriptors are open than now. Some are
// closed by goroutines and by the garbage collector, so it asks until it is so.
func checkDescriptors(t *testing.T) {
	t.Helper()
	reader, writer, err := os.Pipe() // the first one brings the poller's descriptors, which stay
	testkit.Must(t, err)
	reader.Close()
	writer.Close()
	runtime.GC()
	before := openDescriptors(t)
	t.Cleanup(func() { awaitDescriptors(t, before) })
}

func awaitDescriptors(t *testing.T, most int) {
	t.Helper()
	deadline := time.Now().Add(testkit.Timeout)
	for ; openDescriptors(t) > most; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors are open, and %d were", openDescriptors(t), most)
		}
		runtime.GC()
	}
}

type (
	namedInt    int16
	namedString string
	namedBytes  []byte
	namedByte   byte
	namedMap    map[namedString]namedInt
)

func TestMessageRoundTrip(t *testing.T) {
	nested := any("bottom")
	for range 32 {
		nested = []any{nested}
	}
	tests := []struct {
		name       string
		sent, want any
	}{
		{"true", true, true},
		{"false", false, false},
		{"int", -1, int64(-1)},
		{"int8", int8(math.MinInt8), int64(math.MinInt8)},
		{"int16", int16(-300), int64(-300)},
		{"int32", int32(math.MinInt32), int64(math.MinInt32)},
		{"int64, least", int64(math.MinInt64), int64(math.MinInt64)},
		{"int64, greatest", int64(math.MaxInt64), int64(math.MaxInt64)},
		{"uint", uint(23), int64(23)},
		{"uint8", uint8(24), int64(24)},
		{"uint16", uint16(256), int64(256)},
		{"uint32", uint32(65536), int64(65536)},
		{"uint64 that an int64 holds", uint64(math.MaxInt64), int64(math.MaxInt64)},
		{"uint64 that no int64 holds", uint64(math.MaxInt64 + 1), uint64(math.MaxInt64 + 1)},
		{"uintptr", uintptr(1 << 32), int64(1 << 32)},
		{"float32", float32(0.5), 0.5},
		{"float64", 0.1, 0.1},
		{"integral float64 stays one", 3.0, 3.0},
		{"infinity", math.Inf(-1), math.Inf(-1)},
		{"string", "grüße", "grüße"},
		{"empty string", "", ""},
		{"string that is no UTF-8", "\xff\x00\xfe", "\xff\x00\xfe"},
		{"bytes", []byte{0, 255}, []byte{0, 255}},
		{"empty bytes", []byte{}, []byte{}},
		{"nil bytes", []byte(nil), []byte{}},
		{"slice", []any{1, "a", []byte("b"), 1.5, false}, []any{int64(1), "a", []byte("b"), 1.5, false}},
		{"typed slice", []string{"a", "b"}, []any{"a", "b"}},
		{"slice of slices", [][]int{{1}, {}, nil}, []any{[]any{int64(1)}, []any{}, []any{}}},
		{"nil slice", []any(nil), []any{}},
		{"map", map[string]any{"a": 1, "b": []any{}}, map[string]any{"a": int64(1), "b": []any{}}},
		{"typed map", map[string]int{"a": 1}, map[string]any{"a": int64(1)}},
		{"nil map", map[int]int(nil), map[string]any{}},
		{"map with integer keys", map[int8]bool{-1: true}, map[any]any{int64(-1): true}},
		{"map with unsigned keys", map[uint64]bool{math.MaxUint64: true},
			map[any]any{uint64(math.MaxUint64): true}},
		{"map with bool keys", map[bool]int{true: 1, false: 0},
			map[any]any{true: int64(1), false: int64(0)}},
		{"map with float keys", map[float32]int{1.5: 1}, map[any]any{1.5: int64(1)}},
		{"map with mixed keys", map[any]any{"a": 1, 1: "a", 1.0: "b"},
			map[any]any{"a": int64(1), int64(1): "a", 1.0: "b"}},
		{"map of any with string keys", map[any]any{"a": 1}, map[string]any{"a": int64(1)}},
		{"map with key -0", map[any]any{math.Copysign(0, -1): 1}, map[any]any{0.0: int64(1)}},
		{"map with many entries", manyEntries[int, int](5000), manyEntries[any, any](5000)},
		{"map with a key of a length that would be NaN", map[string]int{strings.Repeat("k", 0x7e00): 1},
			map[string]any{strings.Repeat("k", 0x7e00): int64(1)}},
		{
			"named types",
			[]any{namedInt(1), namedString("s"), namedBytes("b"), []namedByte{1}, time.Second},
			[]any{int64(1), "s", []byte("b"), []byte{1}, int64(time.Second)},
		},
		{"named map", namedMap{"a": 1}, map[string]any{"a": int64(1)}},
		{"interfaces other than any", []fmt.Stringer{time.Second}, []any{int64(time.Second)}},
		{"32 levels", nested, nested},
		{"64 KiB of body", make([]byte, 64<<10-3), make([]byte, 64<<10-3)},
		{"one byte more", make([]byte, 64<<10-2), make([]byte, 64<<10-2)},
		{"a long string", strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<20)},
		{"much in a memfd", manyStrings(20000), manyStrings(20000)},
	}
	checkDescriptors(t)
	inbox, channel := newInbox(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			send(t, channel, test.sent)
			if got := receive(t, inbox); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %.200s, want %.200s", fmt.Sprintf("%#v", got),
					fmt.Sprintf("%#v", test.want))
			}
		})
	}
	send(t, channel, math.NaN())
	if got := receive(t, inbox); !math.IsNaN(got.(float64)) {
		t.Errorf("NaN became %v", got)
	}
}

// manyEntries is for maps of several tables.
func manyEntries[K comparable, V any](n int) map[K]V {
	entries := make(map[K]V)
	for i := range n {
		var key, value any = i, -i
		if _, wide := any(entries).(map[any]any); wide {
			key, value = int64(i), int64(-i)
		}
		entries[key.(K)] = value.(V)
	}
	return entries
}

// manyStrings have heads of all lengths at all positions of the window through which a memfd is
// read.
func manyStrings(n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = strings.Repeat("s", i%300)
	}
	return list
}

func TestUnfitMessages(t *testing.T) {
	closedFile, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	checkDescriptors(t) // counts closedFile, which is one more than needed
	open, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	closedFile.Close()
	inbox, channel := newInbox(t)
	closedChannel := address(t, inbox)
	closedChannel.Close()

	cycle := []any{nil}
	cycle[0] = cycle
	cyclicMap := map[string]any{}
	cyclicMap["x"] = cyclicMap
	bomb := any([]any{})
	for range 31 {
		bomb = []any{bomb, bomb}
	}
	files := make([]*os.File, 253)
	for i := range files {
		files[i] = open
	}
	deep := strings.Repeat("[0]", 32)
	tests := []struct {
		name       string
		message    any
		path, text string
		is         error
	}{
		{"nil", nil, "", "nil cannot be sent", nil},
		{"nil in a slice", []any{1, nil}, "[1]", "nil cannot be sent", nil},
		{"nil in containers", map[string]any{"image": []any{1, 2, 3, nil}}, `["image"][3]`,
			"nil cannot be sent", nil},
		{"nil error in a map with integer keys", map[int]error{-7: nil}, "[-7]", "nil cannot be sent",
			nil},
		{"map with bool keys", map[bool]any{true: nil}, "[true]", "nil cannot be sent", nil},
		{"map with named keys", map[time.Duration]any{time.Second: nil}, "[1000000000]",
			"nil cannot be sent", nil},
		{"map with a long key", map[string]any{strings.Repeat("k", 41): nil},
			`["` + strings.Repeat("k", 40) + `"...]`, "nil", nil},
		{"struct", []any{struct{}{}}, "[0]", "a value of type struct {} cannot be sent", nil},
		{"pointer", new(int), "", "a value of type *int cannot be sent", nil},
		{"func", func() {}, "", "a value of type func() cannot be sent", nil},
		{"chan", make(chan int), "", "a value of type chan int cannot be sent", nil},
		{"array", [1]int{}, "", "a value of type [1]int cannot be sent", nil},
		{"complex", 1i, "", "a value of type complex128 cannot be sent", nil},
		{"error", errors.New("x"), "", "a value of type *errors.errorString cannot be sent", nil},
		{"nil file", []any{(*os.File)(nil)}, "[0]", "a nil file cannot be sent", nil},
		{"nil channel", []any{(*mailbox.Channel)(nil)}, "[0]", "a nil channel cannot be sent", nil},
		{"channel that is none", &mailbox.Channel{}, "", "a nil channel cannot be sent", nil},
		{"closed file", []any{"a", closedFile}, "[1]", "a closed file cannot be sent", os.ErrClosed},
		{"closed channel", map[string]any{"to": closedChannel}, `["to"]`, "a closed channel " +
			"cannot be sent", os.ErrClosed},
		{"nil key", map[any]any{nil: 1}, "", "nil cannot be a map key", nil},
		{"NaN key", []any{map[float64]int{math.NaN(): 1}}, "[0]", "NaN cannot be a map key", nil},
		{"array as key", map[[1]int]int{{1}: 1}, "", "a value of type [1]int cannot be a map key", nil},
		{"file as key", map[*os.File]int{open: 1}, "", "a value of type *os.File cannot be a map key",
			nil},
		{"keys of two types", map[any]any{int8(1): 1, uint8(1): 2}, "", "two keys", nil},
		{"33 levels", cycle, deep, "nested deeper than 32 levels", nil},
		{"cyclic map", cyclicMap, strings.Repeat(`["x"]`, 32), "nested deeper than 32 levels", nil},
		{"as large as 2^32 values", bomb, "*", "too large: it costs its receiver more than the " +
			"limit of 67108864 bytes", nil},
		{"too large", []any{make([]byte, 64<<20)}, "[0]", "too large", nil},
		{"too many descriptors", files, "[252]", "too many descriptors", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := channel.Send(actortest.Context(t), test.message)
			var messageErr *mailbox.MessageError
			if !errors.As(err, &messageErr) {
				t.Fatalf("got %v of type %T", err, err)
			}
			if messageErr.Op != "send message" || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v, want %s", err, test.text)
			}
			if messageErr.Path != test.path && test.path != "*" {
				t.Errorf("path %s, want %s", messageErr.Path, test.path)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
		})
	}
	send(t, channel, files[:252]) // what was refused has left no trace
	for _, file := range receive(t, inbox).([]any) {
		file.(*os.File).Close()
	}
}

func TestMessageLimit(t *testing.T) {
	checkDescriptors(t)
	inbox, channel := newInbox(t)
	other := address(t, inbox)
	const limit = 1 << 20
	largest := make([]byte, limit/9*4-100)

	channel.SetLimit(limit)
	inbox.SetLimit(limit)
	send(t, channel, largest)
	if got := receive(t, inbox).([]byte); len(got) != len(largest) {
		t.Errorf("%d bytes", len(got))
	}
	tooLarge := make([]byte, limit/5*4)
	var messageErr *mailbox.MessageError
	if err := channel.Send(actortest.Context(t), tooLarge); !errors.As(err, &messageErr) {
		t.Errorf("send: %v", err)
	}
	send(t, other, tooLarge) // its limit is higher
	if _, err := inbox.Receive(actortest.Context(t)); !errors.As(err, &messageErr) ||
		!strings.Contains(err.Error(), "limit of 1048576 bytes") {
		t.Errorf("receive: %v", err)
	}
	send(t, channel, "the other source goes on")
	receive(t, inbox)

	channel.SetLimit(0)
	inbox.SetLimit(0)
	send(t, channel, tooLarge)
	receive(t, inbox)
	channel.SetLimit(200 << 20)
	inbox.SetLimit(200 << 20)
	send(t, channel, make([]byte, 80<<20))
	receive(t, inbox)
}

func TestSendFiles(t *testing.T) {
	checkDescriptors(t)
	inbox, channel := newInbox(t)
	path := t.TempDir() + "/file"
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer writer.Close()

	for _, padding := range []int{0, 1 << 17} { // in the packet and in a memfd
		send(
			t,
			channel,
			map[string]any{
				"file":    file,
				"twice":   []*os.File{file, file},
				"pipe":    reader,
				"padding": make([]byte, padding),
			},
		)
		got := receive(t, inbox).(map[string]any)
		for _, one := range append(got["twice"].([]any), got["file"]) {
			if _, err := one.(*os.File).WriteString("x"); err != nil {
				t.Error(err)
			}
			if flags, err := unix.FcntlInt(one.(*os.File).Fd(), unix.F_GETFD, 0); err != nil ||
				flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("flags %#x of a received descriptor, %v", flags, err)
			}
			one.(*os.File).Close()
		}
		pipe := got["pipe"].(*os.File)
		// the poller has it
		if err := pipe.SetReadDeadline(time.Now().Add(testkit.Timeout)); err != nil {
			t.Error(err)
		}
		if _, err := writer.WriteString("through the pipe"); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 16)
		if _, err := io.ReadFull(pipe, buffer); err != nil || string(buffer) != "through the pipe" {
			t.Errorf("read %q, %v", buffer, err)
		}
		pipe.Close()
	}
	if _, err := file.WriteString("."); err != nil { // still the sender's own
		t.Error(err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "xxxxxx." {
		t.Errorf("%q, %v", content, err)
	}
}

// A gives B its address by way of C, and B answers.
func TestSendChannels(t *testing.T) {
	checkDescriptors(t)
	a, toA := newInbox(t)
	b, toB := newInbox(t)
	c, toC := newInbox(t)

	send(t, toC, []any{"for B", toA})
	toA.Close()
	forwarded := receive(t, c).([]any)
	send(t, toB, forwarded[1])
	forwarded[1].(*mailbox.Channel).Close()
	answer := receive(t, b).(*mailbox.Channel)
	send(t, answer, "B to A")
	if got := receive(t, a); got != "B to A" {
		t.Errorf("A got %v", got)
	}
	answer.Close()
	if _, err := a.Receive(actortest.Context(t)); err != io.EOF {
		t.Errorf("all copies are closed: %v", err)
	}

	// A channel through itself.
	send(t, toB, toB)
	again := receive(t, b).(*mailbox.Channel)
	defer again.Close()
	toB.Close()
	send(t, again, "x")
	receive(t, b)
}

func TestReceiveEnds(t *testing.T) {
	checkDescriptors(t)
	inbox := mailbox.NewInbox()
	if _, err := inbox.Receive(actortest.Context(t)); err != io.EOF {
		t.Errorf("no source: %v", err)
	}
	first, second := address(t, inbox), address(t, inbox)
	send(t, first, 1)
	first.Close()
	if got := receive(t, inbox); got != int64(1) {
		t.Errorf("sent before Close: %v", got)
	}
	ended := make(chan error)
	go func() {
		_, err := inbox.Receive(actortest.Context(t))
		ended <- err
	}()
	second.Close()
	if err := <-ended; err != io.EOF {
		t.Errorf("the last source ended: %v", err)
	}
	third := address(t, inbox)
	send(t, third, 3)
	if got := receive(t, inbox); got != int64(3) {
		t.Errorf("from a new source: %v", got)
	}

	go func() {
		_, err := inbox.Receive(actortest.Context(t))
		ended <- err
	}()
	if err := inbox.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-ended; !errors.Is(err, os.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		go func() {
			_, err := inbox.Receive(actortest.Context(t))
			ended <- err
		}()
	}
	<-ended
	if err := inbox.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed again: %v", err)
	}
	if _, err := inbox.Address(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("address of a closed inbox: %v", err)
	}
	if err := third.Send(actortest.Context(t), 1); !errors.Is(err, unix.EPIPE) ||
		!strings.Contains(err.Error(), "the receiver is gone") {
		t.Errorf("to a closed inbox: %v", err)
	}
	third.Close()
	if err := third.Send(actortest.Context(t), 1); !errors.Is(err, os.ErrClosed) {
		t.Errorf("on a closed channel: %v", err)
	}
	if err := third.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("close a closed channel: %v", err)
	}
	if err := new(mailbox.Channel).Send(actortest.Context(t), 1); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("on no channel: %v", err)
	}
}

// The receiver leaves messages unread, which the kernel tells a sender by another errno.
func TestSendToInboxClosedWithUnreadMessages(t *testing.T) {
	inbox, channel := newInbox(t)
	for range 3 {
		send(t, channel, "unread")
	}
	inbox.Close()
	for range 2 {
		if err := channel.Send(actortest.Context(t), 1); !errors.Is(err, unix.EPIPE) {
			t.Errorf("got %v", err)
		}
	}
}

// fill sends until the socket is full and returns how many messages that took. Only a full socket makes
// a message wait, so each has a time of its own: enough for the inbox to take the first one out of it.
func fill(t *testing.T, channel *mailbox.Channel) int {
	t.Helper()
	for n := 0; ; n++ {
		switch err := sendWithin(channel, n, time.Second); err {
		case nil:
		case context.DeadlineExceeded:
			return n
		default:
			t.Fatal(err)
		}
	}
}

func sendWithin(channel *mailbox.Channel, message any, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return channel.Send(ctx, message)
}

func TestCancelSend(t *testing.T) {
	checkDescriptors(t)
	inbox, channel := newInbox(t)
	sent := fill(t, channel)
	ctx, cancel := context.WithCancel(context.Background())
	results := make(chan error)
	for range 3 { // one waits for the socket, the others for their turns
		go func() { results <- channel.Send(ctx, -1) }()
	}
	cancel()
	for range 3 {
		if err := <-results; err != context.Canceled {
			t.Errorf("got %v", err)
		}
	}
	if err := channel.Send(ctx, -1); err != context.Canceled {
		t.Errorf("with a context that is done: %v", err)
	}
	go func() { results <- channel.Send(actortest.Context(t), sent) }() // waits, and is not cancelled
	for want := range sent + 1 {
		if got := receive(t, inbox); got != int64(want) {
			t.Fatalf("got %v, want %d", got, want)
		}
	}
	if err := <-results; err != nil {
		t.Error(err)
	}

	fill(t, channel)
	go func() { results <- channel.Send(actortest.Context(t), -1) }()
	channel.Close()
	if err := <-results; !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed meanwhile: %v", err)
	}
}

// However often Receive is cancelled, each message arrives once and in its order.
func TestCancelReceive(t *testing.T) {
	inbox, channel := newInbox(t)
	done, cancel := context.WithCancel(context.Background())
	cancel()
	send(t, channel, 0)
	if _, err := inbox.Receive(done); err != context.Canceled {
		t.Errorf("with a context that is done: %v", err)
	}
	const messages = 500
	go func() {
		for i := range messages - 1 {
			channel.Send(actortest.Context(t), i+1)
		}
	}()
	cancelled := 0
	for want := 0; want < messages; {
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		got, err := inbox.Receive(ctx)
		cancel()
		if err == context.Canceled {
			cancelled++
			continue
		}
		if err != nil || got != int64(want) {
			t.Fatalf("got %v, %v, want %d", got, err, want)
		}
		want++
	}
	t.Logf("%d calls were cancelled", cancelled)
}

// Many senders, on channels of their own and on a shared one, and several receivers.
func TestConcurrentMessages(t *testing.T) {
	checkDescriptors(t)
	const senders, each = 16, 200
	inbox := mailbox.NewInbox()
	defer inbox.Close()
	shared := address(t, inbox)
	own := make([]*mailbox.Channel, senders)
	for i := range own {
		own[i] = address(t, inbox)
	}
	var sending, receiving sync.WaitGroup
	for sender := range senders {
		sending.Go(func() {
			for n := range each {
				for _, channel := range []*mailbox.Channel{shared, own[sender]} {
					if err := channel.Send(actortest.Context(t),
						[]any{sender, n, channel == shared, make([]byte, n*500)}); err != nil {
						t.Error(err)
						return
					}
				}
			}
			own[sender].Close()
		})
	}
	var mutex sync.Mutex
	seen := make(map[string]int)
	for range 3 {
		receiving.Go(func() {
			for {
				message, err := inbox.Receive(actortest.Context(t))
				if err == io.EOF {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mutex.Lock()
				seen[fmt.Sprint(message.([]any)[:3]...)]++
				mutex.Unlock()
			}
		})
	}
	sending.Wait()
	shared.Close()
	receiving.Wait()
	if len(seen) != 2*senders*each {
		t.Errorf("%d different messages, want %d", len(seen), 2*senders*each)
	}
	for message, times := range seen {
		if times != 1 {
			t.Errorf("%s came %d times", message, times)
		}
	}
}

// What is dropped without Close is closed: inboxes with and without messages, channels, and what
// is in messages.
func TestDroppedInboxes(t *testing.T) {
	checkDescriptors(t)
	goroutines := runtime.NumGoroutine()
	func() {
		for range 20 {
			inbox := mailbox.NewInbox()
			for range 3 {
				channel, err := inbox.Address()
				if err != nil {
					t.Fatal(err)
				}
				send(t, channel, []any{channel, os.Stdin})
				send(t, channel, []any{channel, os.Stdin})
			}
			receive(t, inbox)
		}
	}()
	deadline := time.Now().Add(testkit.Timeout)
	for ; runtime.NumGoroutine() > goroutines; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, and there were %d", runtime.NumGoroutine(), goroutines)
		}
		runtime.GC()
	}
}

// The sender sees that an inbox was dropped.
func TestDroppedInboxIsGone(t *testing.T) {
	channel := func() *mailbox.Channel {
		channel, err := mailbox.NewInbox().Address()
		if err != nil {
			t.Fatal(err)
		}
		return channel
	}()
	defer channel.Close()
	for deadline := time.Now().Add(testkit.Timeout); ; time.Sleep(time.Millisecond) {
		runtime.GC()
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		err := channel.Send(ctx, 1)
		cancel()
		if errors.Is(err, unix.EPIPE) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still there: %v", err)
		}
	}
}

func benchmarkRoundTrip(b *testing.B, message any, size int) {
	toPeer, there := newInboxes(b)
	toUs, here := newInboxes(b)
	go func() {
		for {
			message, err := there.Receive(context.Background())
			if err != nil {
				return
			}
			if toUs.Send(context.Background(), message) != nil {
				return
			}
		}
	}()
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if err := toPeer.Send(context.Background(), message); err != nil {
			b.Fatal(err)
		}
		if _, err := here.Receive(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func newInboxes(b *testing.B) (*mailbox.Channel, *mailbox.Inbox) {
	inbox, channel := newInbox(b)
	return channel, inbox
}

func BenchmarkMessageSmall(b *testing.B) {
	benchmarkRoundTrip(b, map[string]any{"id": 1, "name": "small"}, 0)
}

func BenchmarkMessage1MiB(b *testing.B) { benchmarkRoundTrip(b, make([]byte, 1<<20), 1<<20) }
