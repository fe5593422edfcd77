package mailbox_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/ffitest"
	"github.com/go-initscript/initscript/mailbox"
	"golang.org/x/sys/unix"
)

func trySending(t *testing.T, inbox *mailbox.Inbox) {
	t.Helper()
	results := inbox.SendBackwards()
	if len(results) == 0 {
		t.Fatal("no source")
	}
	for _, err := range results {
		if err != unix.EPIPE {
			t.Errorf("through a source: %v", err)
		}
	}
}

func tryReceiving(t *testing.T, channel *mailbox.Channel) {
	t.Helper()
	if n, err := channel.ReceiveBackwards(); n != 0 || err != nil {
		t.Errorf("through a channel: %d bytes, %v", n, err)
	}
}

// Neither end of a channel can be used in the other direction, in Go and in Lua, and both ends are still
// told when the other one is closed.
func TestChannelsGoOneWay(t *testing.T) {
	actor, ctx := spawnForPackets(t)
	trySending(t, actor.Inbox())
	tryReceiving(t, actor.Channel())
	ofLua := askFor(t, ctx, actor, "address").(*mailbox.Channel)
	tryReceiving(t, ofLua)
	ofLua.Close()

	inbox := mailbox.NewInbox()
	channel, err := inbox.Address()
	if err != nil {
		t.Fatal(err)
	}
	trySending(t, inbox)
	tryReceiving(t, channel)
	if got := askFor(t, ctx, actor, channel).(*mailbox.Channel); got != nil { // passed on, and back
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
	const source = `
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
parent:send(got)`
	ffitest.Require(t, source)
	actor, err := initscript.Spawn(t.Context(),
		initscript.Actor{Stderr: os.Stderr, ModuleSource: source})
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
