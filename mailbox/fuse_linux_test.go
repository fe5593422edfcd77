package mailbox_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-initscript/initscript/internal/actortest"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/mailbox"
	"golang.org/x/sys/unix"
)

// A peer sends a file of a FUSE file system that it serves badly. os.NewFile would give it to the
// poller, which would wait for the file system with the epoll instance of this process locked.
func TestReceiveFUSEFile(t *testing.T) {
	if !runWithMounts(t) { // as root: /dev/fuse is often root's alone
		return
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	for _, answersFlush := range []bool{true, false} {
		t.Run(fmt.Sprintf("flush answered %v", answersFlush), func(t *testing.T) {
			file := openFUSEFile(t, answersFlush)
			inbox, channel := newInbox(t)
			other := address(t, inbox)
			send(t, channel, file)
			received := receive(t, inbox).(*os.File)
			if err := received.SetDeadline(time.Time{}); !errors.Is(err, os.ErrNoDeadline) {
				t.Errorf("the poller has the file: %v", err)
			}
			for range 100 { // the poller works, and so do other sources
				send(t, other, "x")
				if got := receive(t, inbox); got != "x" {
					t.Fatalf("got %v", got)
				}
			}
			if err := inbox.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A packet whose header is as given.
func fusePacket(version, flags byte, descriptors uint16, length uint32, body string) []byte {
	packet := binary.NativeEndian.AppendUint16([]byte{version, flags}, descriptors)
	return append(binary.NativeEndian.AppendUint32(packet, length), body...)
}

const (
	fuseFileTag    = "\xda\x69\x6e\x69\x74"
	fuseChannelTag = "\xda\x69\x6e\x69\x75"
)

// refusedWithFiles are packets that are refused, each for another reason, with so many files.
var refusedWithFiles = []struct {
	name   string
	packet []byte
	files  int
}{
	{"no header", []byte("x"), 1},
	{"version", fusePacket(2, 0, 1, 6, fuseFileTag+"\x00"), 1},
	{"flags", fusePacket(1, 2, 1, 6, fuseFileTag+"\x00"), 1},
	{"malformed body", fusePacket(1, 0, 1, 1, "\xf6"), 1},
	{"cost of the header", fusePacket(1, 1, 1, 1<<31, ""), 1},
	{"cost of the body", fusePacket(1, 0, 1, 5, "\x9a\xff\xff\xff\xff"), 1},
	{"length", fusePacket(1, 0, 1, 7, fuseFileTag+"\x00"), 1},
	{"more files than said", fusePacket(1, 0, 1, 6, fuseFileTag+"\x00"), 2},
	{"more files than none", fusePacket(1, 0, 0, 1, "\x01"), 1},
	{"fewer files than said", fusePacket(1, 0, 2, 6, fuseFileTag+"\x00"), 1},
	{"more files than a message has", fusePacket(1, 0, 253, 6, fuseFileTag+"\x00"), 253},
	{"no reference", fusePacket(1, 0, 1, 1, "\x01"), 1},
	{"two references", fusePacket(1, 0, 1, 13, "\x82"+fuseFileTag+"\x00"+fuseFileTag+"\x00"), 1},
	{"file for a memfd", fusePacket(1, 1, 1, 1, ""), 1},
	{"file for a channel", fusePacket(1, 0, 1, 6, fuseChannelTag+"\x00"), 1},
	{"a key twice", fusePacket(1, 0, 1, 10, "\xa2\x01\x01\x01"+fuseFileTag+"\x00"), 1},
	{"too long", append(fusePacket(1, 0, 1, 6, fuseFileTag+"\x00"), make([]byte, 70000)...), 1},
}

// What is refused does not make the receiver wait for the FUSE server of its sender, nor its end.
func TestRefusedFUSEFile(t *testing.T) {
	if !runWithMounts(t) { // as root: /dev/fuse is often root's alone
		return
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	// Started before the file is there: a child would have a copy of the descriptor of its server.
	actor := actortest.SpawnLua(t, `
while true do
    local message = inbox:receive()
    if message == "address" then
        parent:send(inbox)
    elseif type(message) == "userdata" then
        message = nil
        collectgarbage()
        collectgarbage()
        parent:send("dropped")
    else
        parent:send(message)
    end
end`)
	file := openFUSEFile(t, false)
	for _, row := range refusedWithFiles {
		t.Run(row.name, func(t *testing.T) {
			fds := make([]int, row.files)
			for i := range fds {
				fds[i] = int(file.Fd())
			}
			inbox, channel := newInbox(t)
			other := address(t, inbox)
			testkit.Must(t, channel.SendRaw(row.packet, fds...))
			var messageErr *mailbox.MessageError
			if got, err := inbox.Receive(actortest.Context(t)); !errors.As(err, &messageErr) {
				t.Errorf("in Go: %v, %v", got, err)
			}
			send(t, other, "x")
			if got := receive(t, inbox); got != "x" {
				t.Errorf("in Go, from another source: %v", got)
			}

			address := actortest.Exchange(t, actor, "address").(*mailbox.Channel)
			testkit.Must(t, address.SendRaw(row.packet, fds...))
			testkit.Must(t, address.AwaitHangup())
			if got := actortest.Exchange(t, actor, "x"); got != "x" {
				t.Errorf("in Lua, from another source: %v", got)
			}
		})
	}
	if got := actortest.Exchange(t, actor, file); got != "dropped" {
		t.Errorf("a file that the garbage collector closes: %v", got)
	}
	testkit.Must(t, actor.Kill())
	actor.Wait()
}

// openFUSEFile opens, with O_NONBLOCK, a file that is the whole of a FUSE file system. Requests
// other than those that open it, and flush if wanted, are never answered.
func openFUSEFile(t *testing.T, answersFlush bool) *os.File {
	t.Helper()
	server, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT || err == unix.EPERM {
		t.Skipf("open /dev/fuse, which containers often lack: %v", err)
	}
	if err != nil {
		t.Fatalf("open /dev/fuse: %v", err)
	}
	path := t.TempDir() + "/file"
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=100600,user_id=0,group_id=0", server)
	if err := unix.Mount("fuse", path, "fuse", unix.MS_NODEV|unix.MS_NOSUID, options); err != nil {
		testkit.Skip(t, fmt.Sprintf("mount FUSE: %v", err))
	}
	t.Cleanup(func() {
		// With MNT_FORCE everything ends that still waits. To close the server's descriptor would not
		// do: a helper with the last copy closes it completely only after its copy of the file, which
		// waits.
		unix.Unmount(path, unix.MNT_FORCE|unix.MNT_DETACH)
		unix.Close(server)
	})
	go serveFUSE(server, answersFlush)
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), path)
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	return file
}

// serveFUSE answers the least that lets the file be opened; see struct fuse_out_header and the like
// in linux/fuse.h.
func serveFUSE(server int, answersFlush bool) {
	const opGetattr, opOpen, opFlush, opInit = 3, 14, 25, 26
	buffer := make([]byte, 1<<20)
	for {
		n, err := unix.Read(server, buffer)
		if err == unix.EINTR || err == unix.ENOENT {
			continue
		}
		if err != nil || n < 40 {
			return
		}
		var body []byte
		var failure unix.Errno
		switch operation := binary.NativeEndian.Uint32(buffer[4:]); {
		case operation == opInit:
			body = make([]byte, 64)
			binary.NativeEndian.PutUint32(body, 7)
			binary.NativeEndian.PutUint32(body[4:], 31)
			binary.NativeEndian.PutUint32(body[20:], 4096) // max_write
		case operation == opGetattr:
			body = make([]byte, 104)
			binary.NativeEndian.PutUint64(body[16:], 1)           // inode
			binary.NativeEndian.PutUint32(body[16+60:], 0o100600) // mode
			binary.NativeEndian.PutUint32(body[16+64:], 1)        // links
		case operation == opOpen:
			body = make([]byte, 16)
		case operation == opFlush && answersFlush:
			failure = unix.ENOSYS
		default:
			continue
		}
		answer := binary.NativeEndian.AppendUint32(nil, uint32(16+len(body)))
		answer = binary.NativeEndian.AppendUint32(answer, uint32(-int32(failure)))
		answer = append(answer, buffer[8:16]...)
		unix.Write(server, append(answer, body...))
	}
}
