package initscript

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// trySending is what a hostile receiver does: it answers through its source.
func trySending(t *testing.T, inbox *Inbox) {
	t.Helper()
	inbox.state.mutex.Lock()
	defer inbox.state.mutex.Unlock()
	if len(inbox.state.sources) == 0 {
		t.Fatal("no source")
	}
	for source := range inbox.state.sources {
		connection, err := source.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		connection.Control(func(socket uintptr) {
			err = unix.Sendmsg(int(socket), []byte("secret"), unix.UnixRights(0), nil, unix.MSG_NOSIGNAL)
		})
		if err != unix.EPIPE {
			t.Errorf("through a source: %v", err)
		}
	}
}

func tryReceiving(t *testing.T, channel *Channel) {
	t.Helper()
	if n, err := channel.ReceiveBackwards(); n != 0 || err != nil {
		t.Errorf("through a channel: %d bytes, %v", n, err)
	}
}

// Neither end of a channel can be used in the other direction, in Go and in Lua, and both ends are still
// told when the other one is closed.
func TestChannelsGoOneWay(t *testing.T) {
	actor, ctx := spawnForPackets(t)
	trySending(t, actor.inbox)
	tryReceiving(t, actor.channel)
	ofLua := askFor(t, ctx, actor, "address").(*Channel)
	tryReceiving(t, ofLua)
	ofLua.Close()

	inbox := NewInbox()
	channel, err := inbox.Address()
	if err != nil {
		t.Fatal(err)
	}
	trySending(t, inbox)
	tryReceiving(t, channel)
	if got := askFor(t, ctx, actor, channel).(*Channel); got != nil { // passed on, and back
		tryReceiving(t, got)
		got.Close()
	}
	if err := channel.Send(ctx, "x"); err != nil {
		t.Error(err)
	}
	if got, err := inbox.Receive(ctx); got != "x" || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	inbox.Close()
	if err := channel.AwaitHangup(); err != nil {
		t.Errorf("the receiver is gone: %v", err)
	}
	channel.Close()
}

// An actor in Lua that sends through its sources, and receives through its channel to the host.
func TestLuaCannotSendBackwards(t *testing.T) {
	actor, err := Spawn(t.Context(), Actor{Stderr: os.Stderr, ModuleSource: `
local ffi = require "ffi"
ffi.cdef[[
long send(int, const void *, size_t, int);
long recv(int, void *, size_t, int);
int getsockopt(int, int, int, void *, unsigned *);
]]
parent:send(inbox)                                           -- one more source
local got, kind, length = {}, ffi.new("int[1]"), ffi.new("unsigned[1]")
for fd = 3, 63 do                                            -- the sources, below what is hidden
    length[0] = 4
    if ffi.C.getsockopt(fd, 1, 3, kind, length) == 0 and kind[0] == 5 then
        got[#got + 1] = tonumber(ffi.C.send(fd, "x", 1, 0x4040)) .. " " .. ffi.errno()
    end
end
parent:send(got)`})
	if err != nil {
		t.Fatal(err)
	}
	defer actor.Close()
	if _, err := actor.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := actor.Receive(t.Context())
	if want := "[-1 32 -1 32]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("send: %v, %v, want %s", got, err, want)
	}
	actor.Wait()
}

// What socket options add to a message leaves no descriptor open.
func TestControlDataOfOptions(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	for _, option := range []int{unix.SO_PASSCRED, unix.SO_PASSSEC, unix.SO_TIMESTAMP, unix.SO_PASSPIDFD} {
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
