package mailbox

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/go-initscript/initscript/internal/memfd"
	"golang.org/x/sys/unix"
)

// rawSource returns the sending end of a source, for messages that Send does not send.
func rawSource(t testing.TB, inbox *Inbox) int {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	inbox.addSource(os.NewFile(uintptr(pair[0]), "source"))
	t.Cleanup(func() { unix.Close(pair[1]) })
	return pair[1]
}

// rawPacket is a packet with a good header before the body, which is in hexadecimal.
func rawPacket(t testing.TB, flags uint8, descriptors int, body string) []byte {
	t.Helper()
	decoded, err := hex.DecodeString(strings.ReplaceAll(body, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	packet := append(make([]byte, messageHeaderSize), decoded...)
	putMessageHeader(packet, flags, descriptors, len(decoded))
	return packet
}

// memfdPacket is a packet with the header alone, for a body of this length in a memfd.
func memfdPacket(descriptors, length int) []byte {
	packet := make([]byte, messageHeaderSize)
	putMessageHeader(packet, messageInMemfd, descriptors, length)
	return packet
}

// throughMemfd is the same message with its body in a memfd.
func throughMemfd(t testing.TB, packet []byte) (header []byte, fd int) {
	t.Helper()
	body := packet[messageHeaderSize:]
	fd, err := memfd.Sealed("test", body)
	if err != nil {
		t.Fatal(err)
	}
	return memfdPacket(1, len(body)), fd
}

// descriptorOf makes a descriptor of the named kind. What is written to the memfds is body.
func descriptorOf(t testing.TB, kind byte, body []byte) int {
	t.Helper()
	var fd int
	var err error
	const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	sealed := func(seals int) {
		if fd, err = memfd.Create("test", 0, 0); err == nil {
			unix.Write(fd, body)
			_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
		}
	}
	pair := func(domain, kind int) {
		var both [2]int
		if both, err = unix.Socketpair(domain, kind|unix.SOCK_CLOEXEC, 0); err == nil {
			unix.Close(both[1])
			fd = both[0]
		}
	}
	switch kind {
	case 'M':
		sealed(seals)
	case 'S': // without one of the seals
		sealed(seals &^ unix.F_SEAL_SHRINK)
	case 'G':
		sealed(seals &^ unix.F_SEAL_GROW)
	case 'W':
		sealed(seals&^unix.F_SEAL_WRITE | unix.F_SEAL_FUTURE_WRITE)
	case 'f': // a regular file
		var file *os.File
		if file, err = os.CreateTemp(t.TempDir(), ""); err == nil {
			file.Write(body)
			fd, err = unix.Dup(int(file.Fd()))
			file.Close()
		}
	case 'p': // a FIFO that is open for reading; reading from it would wait
		var both [2]int
		if err = unix.Pipe2(both[:], unix.O_CLOEXEC); err == nil {
			pipeWriters = append(pipeWriters, both[1])
			fd = both[0]
		}
	case 'c':
		pair(unix.AF_UNIX, unix.SOCK_SEQPACKET)
	case 's':
		pair(unix.AF_UNIX, unix.SOCK_STREAM)
	case 'n':
		fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	case 'P':
		fd, err = unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
	default:
		fd, err = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	}
	if err != nil {
		t.Fatalf("descriptor of kind %c: %v", kind, err)
	}
	return fd
}

// pipeWriters are the writing ends of the FIFOs that descriptorOf made.
var pipeWriters []int

// descriptorsOf makes one descriptor for each letter.
func descriptorsOf(t testing.TB, kinds string, body []byte) []int {
	t.Helper()
	var fds []int
	for i := range len(kinds) {
		fds = append(fds, descriptorOf(t, kinds[i], body))
	}
	return fds
}

func closeDescriptors(fds []int) {
	for _, fd := range append(fds, pipeWriters...) {
		unix.Close(fd)
	}
	pipeWriters = nil
}

func countDescriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

const (
	fileHead    = "da 696e6974"
	channelHead = "da 696e6975"
)

// malformed are bodies in hexadecimal, with the kinds of the descriptors that go with them.
var malformed = []struct{ name, body, kinds, path, text string }{
	{"empty", "", "", "", "the body ends inside a value"},
	{"trailing bytes", "01 02", "", "", "1 bytes after the end of the value"},
	{"null", "f6", "", "", "null and undefined cannot be received"},
	{"undefined in an array", "82 01 f7", "", "[1]", "null and undefined cannot be received"},
	{"simple value", "e0", "", "", "unknown simple value"},
	{"simple value of two bytes", "f8 14", "", "", "unknown simple value"},
	{"simple value 255", "f8 ff", "", "", "unknown simple value"},
	{"break", "ff", "", "", "indefinite length"},
	{"indefinite bytes", "5f 41 00 ff", "", "", "indefinite length"},
	{"indefinite text", "7f 61 41 ff", "", "", "indefinite length"},
	{"indefinite array", "9f 01 ff", "", "", "indefinite length"},
	{"indefinite map", "bf 01 02 ff", "", "", "indefinite length"},
	{"reserved information", "1c", "", "", "additional information 28 is reserved"},
	{"argument cut off", "19 01", "", "", "the body ends inside a value"},
	{"float cut off", "fb 00 00", "", "", "the body ends inside a value"},
	{"bytes cut off", "43 00 00", "", "", "the body ends inside a value"},
	{"text of 2^64-1 bytes", "7b ffffffffffffffff", "", "", "the body ends inside a value"},
	{"bytes of 2^63 bytes", "5b 8000000000000000", "", "", "the body ends inside a value"},
	{"array of 2^64-1 items", "9b ffffffffffffffff", "", "", "the body ends inside a value"},
	{"array cut off", "83 01 02", "", "", "the body ends inside a value"},
	{"map of 2^63 entries", "bb 8000000000000000", "", "", "the body ends inside a value"},
	{"map cut off in a value", "a1 61 61", "", `["a"]`, "the body ends inside a value"},
	{"integer below -2^63", "81 3b 8000000000000000", "", "[0]", "less than -2^63"},
	{"duplicate key", "81 a2 61 61 01 61 61 02", "", `[0]["a"]`, "this key occurs twice"},
	{"duplicate key of two encodings", "a2 01 01 18 01 02", "", "[1]", "this key occurs twice"},
	{"duplicate keys 0.0 and -0.0", "a2 f9 0000 01 f9 8000 02", "", "[-0]", "this key occurs twice"},
	{"NaN key", "a1 f9 7e00 01", "", "", "NaN cannot be a map key"},
	{"bytes as key", "a1 41 00 01", "", "", "a map key must be"},
	{"array as key", "a1 80 01", "", "", "a map key must be"},
	{"file as key", "a1 " + fileHead + " 00 01", "-", "", "a map key must be"},
	{"null as key", "a1 f6 01", "", "", "null and undefined"},
	{"error below a long key", "a1 78 29 " + strings.Repeat("6b", 41) + " f6", "",
		`["` + strings.Repeat("k", 40) + `"...]`, "null"},
	{"error below a float key", "a1 f9 3e00 81 f6", "", "[1.5][0]", "null"},
	{"unknown tag", "c0 01", "", "", "unknown tag 0"},
	{"self-described", "d9 d9f7 01", "", "", "unknown tag 55799"},
	{"33 levels", strings.Repeat("81", 33) + "01", "", strings.Repeat("[0]", 32), "nested deeper " +
		"than 32 levels"},
	{"33 levels of maps", strings.Repeat("a1 00", 33) + "01", "", strings.Repeat("[0]", 32),
		"nested deeper than 32 levels"},
	{"nothing but arrays", strings.Repeat("81", 1000), "", strings.Repeat("[0]", 32),
		"nested deeper than 32 levels"},
	{"tag of a tag", fileHead + fileHead + "00", "-", "", "the index of a descriptor is no " +
		"unsigned integer"},
	{"negative index", fileHead + "20", "-", "", "the index of a descriptor is no unsigned integer"},
	{"tag cut off", fileHead, "-", "", "the body ends inside a value"},
	{"index without descriptors", fileHead + "00", "", "", "there is no descriptor 0, only 0 came"},
	{"index too large", "81" + fileHead + "01", "-", "[0]", "there is no descriptor 1, only 1 came"},
	{"index of 2^64-1", fileHead + "1b ffffffffffffffff", "-", "", "there is no descriptor " +
		"18446744073709551615"},
	{"no reference", "01", "-", "", "nothing refers to descriptor 0"},
	{"one reference for two", fileHead + "01", "--", "", "nothing refers to descriptor 0"},
	{"two references to one", "82" + fileHead + "00" + fileHead + "00", "-", "[1]", "descriptor 0 " +
		"is referred to twice"},
	{"file and channel in one", "82" + fileHead + "00" + channelHead + "00", "c", "[1]",
		"descriptor 0 is referred to twice"},
	{"good ones before the error", "83" + fileHead + "00" + channelHead + "01 f6", "-c", "[2]", "null"},
	{"duplicate key after files", "a3 01" + fileHead + "00 02" + channelHead + "01 01" + fileHead + "02",
		"pc-", "[1]", "this key occurs twice"},
	{"channel of a file", channelHead + "00", "f", "", "descriptor 0 is no AF_UNIX"},
	{"channel of a FIFO", channelHead + "00", "p", "", "descriptor 0 is no AF_UNIX"},
	{"channel of a stream socket", channelHead + "00", "s", "", "descriptor 0 is no AF_UNIX"},
	{"channel of a netlink socket", channelHead + "00", "n", "", "descriptor 0 is no AF_UNIX"},
	{"channel of an O_PATH descriptor", channelHead + "00", "P", "", "descriptor 0 is no AF_UNIX"},
	{"253 files", "98 fd" + manyFiles(253), strings.Repeat("-", 253), "", "too many descriptors"},
}

// manyFiles refers to descriptors 0 to n-1.
func manyFiles(n int) string {
	var body strings.Builder
	for i := range n {
		fmt.Fprintf(&body, "%s 18 %02x", fileHead, i)
	}
	return body.String()
}

type malformedPacket struct {
	Name   string
	Packet []byte
	Kinds  string // of its descriptors
	Body   []byte // what memfds hold
	Path   string // of the value, in the error
	Text   string // of the error
}

// malformedPackets are all malformed bodies, in packets and in memfds, and malformed packets.
func malformedPackets(t testing.TB) []malformedPacket {
	var packets []malformedPacket
	for _, row := range malformed {
		packet := rawPacket(t, 0, len(row.kinds), row.body)
		body := packet[messageHeaderSize:]
		packets = append(packets, malformedPacket{row.name, packet, row.kinds, nil, row.path, row.text})
		if len(row.kinds) < 253 {
			packets = append(packets, malformedPacket{row.name + ", in a memfd",
				memfdPacket(1+len(row.kinds), len(body)), "M" + row.kinds, body, row.path, row.text})
		}
	}
	one := []byte{1}
	huge := memfdPacket(1, 1<<31)
	otherVersion := rawPacket(t, 0, 0, "01")
	otherVersion[0] = 2
	short := rawPacket(t, 0, 0, "01")
	return append(packets, []malformedPacket{
		{"no header", []byte("1234567"), "", nil, "", "7 bytes are no header"},
		{"no header, descriptors", []byte("1"), "--", nil, "", "1 bytes are no header"},
		{"version", otherVersion, "-", nil, "", "version 2 of the format, not 1"},
		{"flags", rawPacket(t, 6, 0, "01"), "", nil, "", "unknown flags 0x6"},
		{"body shorter than said", short[:messageHeaderSize], "", nil, "", "a body of 0 bytes, " +
			"the header says 1"},
		{"body longer than said", append(short, 0), "", nil, "", "a body of 2 bytes, the header says 1"},
		{"more descriptors than said", rawPacket(t, 0, 1, fileHead+"00"), "--", nil, "",
			"2 descriptors, the header says 1"},
		{"fewer descriptors than said", rawPacket(t, 0, 2, fileHead+"00"), "-", nil, "",
			"1 descriptors, the header says 2"},
		{"packet too long", append(short, make([]byte, maxInlineBody)...), "--", nil, "",
			"more than 65536 bytes that are not in a memfd"},
		{"memfd missing", memfdPacket(0, 1), "", nil, "", "the memfd with the body is missing"},
		{"memfd and body", rawPacket(t, messageInMemfd, 1, "01"), "M", one, "", "1 bytes beside " +
			"the body in the memfd"},
		{"memfd that can shrink", memfdPacket(1, 1), "S", one, "", "the memfd with the body has seals"},
		{"memfd that can grow", memfdPacket(1, 1), "G", one, "", "the memfd with the body has seals"},
		{"memfd that can be written", memfdPacket(1, 1), "W", one, "", "the memfd with the body " +
			"has seals"},
		{"file for a memfd", memfdPacket(1, 1), "f", one, "", "the body is in no memfd"},
		{"FIFO for a memfd", memfdPacket(1, 1), "p", one, "", "the body is in no memfd"},
		{"socket for a memfd", memfdPacket(1, 1), "c", one, "", "the body is in no memfd"},
		{"O_PATH for a memfd", memfdPacket(1, 1), "P", one, "", "the body is in no memfd"},
		{"memfd shorter than said", memfdPacket(1, 2), "M", one, "", "a memfd of 1 bytes, the " +
			"header says 2"},
		{"memfd longer than said", memfdPacket(1, 1), "M", []byte{1, 1}, "", "a memfd of 2 bytes, " +
			"the header says 1"},
		{"memfd above the limit", huge, "M", one, "", "more than the limit of 67108864 bytes"},
		{"reference to the memfd", memfdPacket(1, 6), "M",
			rawPacket(t, 0, 0, fileHead+"00")[messageHeaderSize:], "", "there is no descriptor 0"},
	}...)
}

// Each malformed message is reported once and ends its source and no other.
func TestMalformedMessages(t *testing.T) {
	for _, row := range malformedPackets(t) {
		t.Run(row.Name, func(t *testing.T) {
			before := countDescriptors(t)
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			inbox := NewInbox()
			other, err := inbox.Address()
			if err != nil {
				t.Fatal(err)
			}
			source := rawSource(t, inbox)
			fds := descriptorsOf(t, row.Kinds, row.Body)
			err = unix.Sendmsg(source, row.Packet, unix.UnixRights(fds...), nil, 0)
			closeDescriptors(fds)
			if err != nil {
				t.Fatal(err)
			}
			got, err := inbox.Receive(ctx)
			var messageErr *MessageError
			if !errors.As(err, &messageErr) || messageErr.Op != "receive message" {
				t.Fatalf("got %v, %v", got, err)
			}
			if messageErr.Path != row.Path || !strings.Contains(err.Error(), row.Text) {
				t.Errorf("got %v, want %s: %s", err, row.Path, row.Text)
			}
			err = unix.Sendmsg(source, []byte("x"), nil, nil, unix.MSG_NOSIGNAL)
			if err != unix.EPIPE && err != unix.ECONNRESET {
				t.Errorf("the source is still there: %v", err)
			}
			if err := other.Send(ctx, "other"); err != nil {
				t.Error(err)
			}
			if got, err := inbox.Receive(ctx); got != "other" {
				t.Errorf("from another source: %v, %v", got, err)
			}
			other.Close()
			inbox.Close()
			for countDescriptors(t) > before+1 { // source is closed by Cleanup
				if ctx.Err() != nil {
					t.Fatalf("%d descriptors are open, and %d were", countDescriptors(t)-1, before)
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
}

// The end of a source by a message of no bytes, with descriptors to be closed.
func TestEmptyPacketEndsSource(t *testing.T) {
	inbox := NewInbox()
	defer inbox.Close()
	source := rawSource(t, inbox)
	before := countDescriptors(t)
	fds := descriptorsOf(t, "-M", nil)
	rights := unix.UnixRights(fds...) // unix.Sendmsg adds a byte to a message of none
	header := unix.Msghdr{Control: &rights[0], Controllen: uint64(len(rights))}
	_, _, errno := unix.Syscall(unix.SYS_SENDMSG, uintptr(source), uintptr(unsafe.Pointer(&header)), 0)
	closeDescriptors(fds)
	if errno != 0 {
		t.Fatal(errno)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if got, err := inbox.Receive(ctx); err == nil || err.Error() != "EOF" {
		t.Errorf("got %v, %v", got, err)
	}
	for countDescriptors(t) > before-1 { // that of the source
		if ctx.Err() != nil {
			t.Fatal("descriptors are still open")
		}
		time.Sleep(time.Millisecond)
	}
}

// Descriptors for which the receiver has no room.
func TestDescriptorsCutOff(t *testing.T) {
	inbox := NewInbox()
	defer inbox.Close()
	source := rawSource(t, inbox)
	fds := descriptorsOf(t, strings.Repeat("-", 20), nil)
	packet := rawPacket(t, 0, 20, "94"+manyFiles(20))
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = uint64(fds[len(fds)-1] + 10)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	before := countDescriptors(t)
	err := unix.Sendmsg(source, packet, unix.UnixRights(fds...), nil, 0)
	_, receiveErr := inbox.Receive(ctx)
	if limitErr := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); limitErr != nil {
		t.Fatal(limitErr)
	}
	if err != nil {
		t.Fatal(err)
	}
	var messageErr *MessageError
	if !errors.As(receiveErr, &messageErr) ||
		!strings.Contains(receiveErr.Error(), "some descriptors were not received") {
		t.Errorf("got %v", receiveErr)
	}
	for countDescriptors(t) > before-1 {
		if ctx.Err() != nil {
			t.Fatal("descriptors are still open")
		}
		time.Sleep(time.Millisecond)
	}
	closeDescriptors(fds)
}

// Who shares the open file description clears O_NONBLOCK, and nothing waits in the kernel.
func TestNonblockCleared(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK,
		0)
	if err != nil {
		t.Fatal(err)
	}
	inbox := NewInbox()
	inbox.addSource(os.NewFile(uintptr(pair[0]), "source"))
	channel := newChannel(os.NewFile(uintptr(pair[1]), "channel"))
	if err := channel.Send(ctx, 1); err != nil {
		t.Fatal(err)
	}
	for _, fd := range pair {
		if err := unix.SetNonblock(fd, false); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 { // the source now waits
		if i > 0 {
			if err := channel.Send(ctx, 1); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := inbox.Receive(ctx); err != nil {
			t.Fatal(err)
		}
	}
	short, cancelShort := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancelShort()
	for err = nil; err == nil; {
		err = channel.Send(short, 1)
	}
	if err != context.DeadlineExceeded {
		t.Errorf("send to a full socket: %v", err)
	}
	if err := inbox.Close(); err != nil {
		t.Error(err)
	}
	if err := channel.Close(); err != nil {
		t.Error(err)
	}
}

// A file that the sender made O_NONBLOCK is hidden from the poller, unless it is a pipe or socket.
func TestReceivedFileUnpolled(t *testing.T) {
	for kind, polled := range map[byte]bool{'-': false, 'f': false, 'M': false, 'P': false, 'p': true,
		'c': true, 's': true} {
		fd := descriptorOf(t, kind, []byte("x"))
		if kind != 'P' {
			if err := unix.SetNonblock(fd, true); err != nil {
				t.Fatal(err)
			}
		}
		d := takenDescriptors([]int{fd})
		value, messageErr := d.fill(place{})
		if messageErr != nil {
			t.Fatal(messageErr)
		}
		file := value.(*os.File)
		if err := file.SetDeadline(time.Time{}); (err == nil) != polled {
			t.Errorf("kind %c: set deadline: %v", kind, err)
		}
		if kind == 'f' {
			if content := make([]byte, 2); true {
				if n, err := file.ReadAt(content, 0); n != 1 {
					t.Errorf("read %q, %v", content[:n], err)
				}
			}
		}
		if d.fds[0] != -1 {
			t.Errorf("kind %c is open twice", kind)
		}
		file.Close()
		closeDescriptors(nil)
	}
}

// The examples of RFC 8949, appendix A, as far as they are messages; and heads that are longer than
// need be.
func TestDecodeCBOR(t *testing.T) {
	for body, want := range map[string]any{
		"00": int64(0), "17": int64(23), "1818": int64(24), "1903e8": int64(1000),
		"1a000f4240":         int64(1000000),
		"1b000000e8d4a51000": int64(1000000000000), "1bffffffffffffffff": uint64(math.MaxUint64),
		"1b7fffffffffffffff": int64(math.MaxInt64), "1b8000000000000000": uint64(math.MaxInt64 + 1),
		"20": int64(-1), "3863": int64(-100), "3903e7": int64(-1000),
		"3b7fffffffffffffff": int64(math.MinInt64),
		"f90000":             0.0, "f93c00": 1.0, "f93e00": 1.5, "f97bff": 65504.0,
		"f90001": 5.960464477539063e-8,
		"f90400": 0.00006103515625,
		"f9c400": -4.0, "f97c00": math.Inf(1), "f9fc00": math.Inf(-1),
		"fa47c35000": 100000.0, "fa7f7fffff": 3.4028234663852886e+38, "fb3ff199999999999a": 1.1,
		"fb7e37e43c8800759c": 1.0e+300,
		"fbc010666666666666": -4.1, "f4": false, "f5": true, "40": []byte{},
		"4401020304": []byte{1, 2, 3, 4},
		"60":         "", "6161": "a", "62225c": "\"\\", "64f0908591": "\U00010151",
		"62ff00": "\xff\x00",
		"80":     []any{}, "83010203": []any{int64(1), int64(2), int64(3)},
		"8301820203820405":   []any{int64(1), []any{int64(2), int64(3)}, []any{int64(4), int64(5)}},
		"a0":                 map[string]any{},
		"a201020304":         map[any]any{int64(1): int64(2), int64(3): int64(4)},
		"a26161016162820203": map[string]any{"a": int64(1), "b": []any{int64(2), int64(3)}},
		"826161a161626163":   []any{"a", map[string]any{"b": "c"}},
		"a261610102a0":       map[any]any{"a": int64(1), int64(2): map[string]any{}},
		"a2616101f5a10102":   map[any]any{"a": int64(1), true: map[any]any{int64(1): int64(2)}},
		"1b0000000000000001": int64(1), "380a": int64(-11), "5a0000000100": []byte{0},
		"9b000000000000000101": []any{int64(1)},
	} {
		got, err := decodeMessage(rawPacket(t, 0, 0, body), &descriptors{}, DefaultMessageLimit, nil)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, %v, want %#v", body, got, err, want)
		}
	}
	if got, err := decodeMessage(rawPacket(t, 0, 0, "f97e00"), &descriptors{}, DefaultMessageLimit,
		nil); err != nil || !math.IsNaN(got.(float64)) {
		t.Errorf("NaN: got %v, %v", got, err)
	}
}

// Encoded in the shortest way, as RFC 8949 has it in its appendix A.
func TestEncodeCBOR(t *testing.T) {
	for want, message := range map[string]any{
		"00": 0, "17": 23, "1818": 24, "18ff": 255, "190100": 256, "1903e8": 1000, "1a000f4240": 1000000,
		"1b000000e8d4a51000": 1000000000000, "1bffffffffffffffff": uint64(math.MaxUint64),
		"19ffff": 65535, "1a00010000": 65536, "1affffffff": uint32(math.MaxUint32),
		"1b0000000100000000": int64(1 << 32),
		"20":                 -1, "37": -24, "3818": -25, "3863": -100, "3903e7": -1000,
		"3b7fffffffffffffff":              math.MinInt64,
		"5818" + strings.Repeat("00", 24): make([]byte, 24), "7818" + strings.Repeat("61",
			24): strings.Repeat("a", 24),
		"9818" + strings.Repeat("f4", 24): make([]bool,
			24), "fb0000000000000000": float32(0), "fb7ff0000000000000": math.Inf(1),
		"fb3ff199999999999a": 1.1, "f4": false, "f5": true, "4401020304": []byte{1, 2, 3, 4},
		"6161": "a", "62ff00": "\xff\x00",
		"80": []int{}, "8301820203820405": []any{1, []int8{2, 3}, []any{4, 5}}, "a0": map[string]any{},
		"a10102": map[any]any{1: 2}, "826161a161626163": []any{"a", map[string]string{"b": "c"}},
		"81da696e697400": []any{os.Stdin}, "82da696e697400da696e697401": []*os.File{os.Stdin, os.Stdin},
	} {
		packet, _, err := encodeMessage(message, DefaultMessageLimit)
		if err != nil {
			t.Errorf("%v: %v", message, err)
		} else if got := hex.EncodeToString(packet[messageHeaderSize:]); got != want {
			t.Errorf("%v: got %s, want %s", message, got, want)
		}
	}
}

// The packet of docs/reference/channels.md.
func TestDocumentedPacket(t *testing.T) {
	packet := rawPacket(t, 0, 1, "a2 62 74 6f da 69 6e 69 75 00 61 6e 19 03 e8")
	if header := hex.EncodeToString(packet[:messageHeaderSize]); header != "010001000f000000" &&
		binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		t.Errorf("header %s", header)
	}
	d := takenDescriptors(descriptorsOf(t, "c", nil))
	defer d.close()
	got, err := decodeMessage(packet, d, DefaultMessageLimit, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err = d.fill(got); err != nil {
		t.Fatal(err)
	}
	defer closeValue(got)
	entries := got.(map[string]any)
	if _, isChannel := entries["to"].(*Channel); !isChannel || entries["n"] != int64(1000) ||
		len(entries) != 2 {
		t.Errorf("got %v", got)
	}
}

// What socket options add to a message leaves no descriptor open.
func TestControlDataOfOptions(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	for _, option := range []int{unix.SO_PASSCRED, unix.SO_PASSSEC, unix.SO_TIMESTAMP,
		unix.SO_PASSPIDFD} {
		// ENOPROTOOPT: Linux before 6.5 has no SO_PASSPIDFD.
		err := unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, option, 1)
		if err != nil && err != unix.ENOPROTOOPT {
			t.Fatalf("option %d: %v", option, err)
		}
	}
	inbox := NewInbox()
	defer inbox.Close()
	inbox.addSource(os.NewFile(uintptr(pair[0]), "source"))
	before := countDescriptors(t)
	for _, kinds := range []string{"", "-", "pc", "M"} {
		packet := rawPacket(t, 0, len(kinds), fmt.Sprintf("%x", 0x80+len(kinds))+manyFiles(len(kinds)))
		if kinds == "M" {
			packet = memfdPacket(1, 1)
		}
		fds := descriptorsOf(t, kinds, []byte{1})
		err := unix.Sendmsg(pair[1], packet, unix.UnixRights(fds...), nil, 0)
		closeDescriptors(fds)
		if err != nil {
			t.Fatal(err)
		}
		value, err := inbox.Receive(t.Context())
		if err != nil {
			t.Fatalf("%q: %v", kinds, err)
		}
		closeValue(value)
		awaitDescriptors(t, before)
	}
}
