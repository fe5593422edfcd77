package mailbox_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/actortest"
	"github.com/go-initscript/initscript/internal/lingertest"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/mailbox"
	"golang.org/x/sys/unix"
)

// lingeringQueue returns a socket whose peer has left a lingering one in its queue, behind a message of
// length 0, which looks like the end, and is gone.
func lingeringQueue(t *testing.T) int {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	testkit.Must(t, err)
	socket := lingertest.Socket(t)
	testkit.Must(t, unix.Sendmsg(pair[1], nil, nil, nil, 0))
	testkit.Must(t, unix.Sendmsg(pair[1], []byte("x"), unix.UnixRights(socket), nil, 0))
	testkit.Must(t, unix.Close(socket))
	testkit.Must(t, unix.Close(pair[1]))
	return pair[0]
}

// whileStopped calls f while the actor runs nothing.
func whileStopped(t *testing.T, actor *initscript.Actor, f func()) {
	t.Helper()
	testkit.Must(t, unix.Kill(actor.Pid(), unix.SIGSTOP))
	defer func() { testkit.Must(t, unix.Kill(actor.Pid(), unix.SIGCONT)) }()
	f()
}

// sendAndClose sends a packet with copies of a descriptor, and leaves none. The receiver must not read
// it before: then this would be the one that waits.
func sendAndClose(t *testing.T, channel *mailbox.Channel, packet []byte, copies, fd int) {
	t.Helper()
	fds := make([]int, copies)
	for i := range fds {
		fds[i] = fd
	}
	testkit.Must(t, channel.SendRaw(packet, fds...))
	testkit.Must(t, unix.Close(fd))
}

// atOnce fails the test if an operation waits for what lingers.
func atOnce(t *testing.T, what string, operation func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- operation() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	case <-actortest.Context(t).Done():
		t.Fatalf("%s waits", what)
	}
}

var (
	fileMessage    = fusePacket(1, 0, 1, 6, fuseFileTag+"\x00")
	channelMessage = fusePacket(1, 0, 1, 6, fuseChannelTag+"\x00")
)

// lingeringKinds are the descriptors whose last close waits.
var lingeringKinds = []struct {
	name string
	open func(*testing.T) int
}{
	{"TCP", lingertest.Socket},
	{"queue", lingeringQueue},
}

// What is refused makes nobody wait until it has been sent.
func TestRefusedLingeringSocket(t *testing.T) {
	actor := actortest.SpawnLua(t, `
while true do
    local message = inbox:receive()
    parent:send(message == "address" and inbox or message)
end`)
	for _, kind := range lingeringKinds {
		for _, row := range refusedWithFiles {
			if kind.name == "queue" && row.name == "file for a channel" {
				continue // it is one
			}
			t.Run(kind.name+", "+row.name, func(t *testing.T) {
				inbox, channel := newInbox(t)
				other := address(t, inbox)
				send(t, channel, "first") // which is read ahead
				sendAndClose(t, channel, row.packet, row.files, kind.open(t))
				receive(t, inbox)
				var messageErr *mailbox.MessageError
				if got, err := inbox.Receive(actortest.Context(t)); !errors.As(err, &messageErr) {
					t.Errorf("in Go: %v, %v", got, err)
				}
				if err := channel.Send(actortest.Context(t), "x"); !errors.Is(err, unix.EPIPE) {
					t.Errorf("its sender: %v", err)
				}
				send(t, other, "x")
				if got := receive(t, inbox); got != "x" {
					t.Errorf("in Go, from another source: %v", got)
				}

				address := actortest.Exchange(t, actor, "address").(*mailbox.Channel)
				fd := kind.open(t)
				whileStopped(t, actor, func() {
					sendAndClose(t, address, row.packet, row.files, fd)
				})
				testkit.Must(t, address.AwaitHangup())
				if got := actortest.Exchange(t, actor, "x"); got != "x" {
					t.Errorf("in Lua, from another source: %v", got)
				}
			})
		}
	}
	testkit.Must(t, actor.Kill())
	actor.Wait()
}

// Neither does what is left in a queue, or is dropped.
func TestCloseDoesNotLinger(t *testing.T) {
	for _, kind := range lingeringKinds {
		t.Run(kind.name+", unread", func(t *testing.T) {
			inbox, channel := newInbox(t)
			send(t, channel, "first") // which is read ahead
			sendAndClose(t, channel, fileMessage, 1, kind.open(t))
			sendAndClose(t, address(t, inbox), fileMessage, 1, kind.open(t)) // offered
			atOnce(t, "Inbox.Close", inbox.Close)
			if err := channel.Send(actortest.Context(t), "x"); !errors.Is(err, unix.EPIPE) {
				t.Errorf("its sender: %v", err)
			}
		})
	}
	t.Run("channel", func(t *testing.T) {
		inbox, channel := newInbox(t)
		sendAndClose(t, channel, channelMessage, 1, lingeringQueue(t))
		atOnce(t, "Channel.Close", receive(t, inbox).(*mailbox.Channel).Close)
	})
	t.Run("channel that the garbage collector closes", func(t *testing.T) {
		inbox, channel := newInbox(t)
		sendAndClose(t, channel, channelMessage, 1, lingeringQueue(t))
		receive(t, inbox)
		atOnce(t, "the garbage collector", func() error {
			collected := make(chan struct{})
			object := &struct{ padding [64]byte }{}
			runtime.AddCleanup(object, func(struct{}) { close(collected) }, struct{}{})
			runtime.GC()
			<-collected
			runtime.GC()
			last := make(chan struct{})
			runtime.SetFinalizer(&struct{ padding [64]byte }{}, func(any) { close(last) })
			runtime.GC()
			<-last
			return nil
		})
	})
}

// In Lua, too.
func TestLuaCloseDoesNotLinger(t *testing.T) {
	actor := actortest.SpawnLua(t, `
local kept
while true do
    local message = inbox:receive()
    if message == "address" then
        parent:send(inbox)
    elseif message == "close" then
        kept:close()
        parent:send("done")
    elseif message == "drop" then
        kept = nil
        collectgarbage()
        collectgarbage()
        parent:send("done")
    elseif message == "end" then
        inbox:close()
        parent:send("done")
    elseif type(message) == "userdata" then
        kept = message
    else
        parent:send(message)
    end
end`)
	address := actortest.Exchange(t, actor, "address").(*mailbox.Channel)
	defer address.Close()
	for _, row := range []struct {
		order  string
		packet []byte
		open   func(*testing.T) int
	}{
		{"close", channelMessage, lingeringQueue},
		{"drop", channelMessage, lingeringQueue},
		{"drop", fileMessage, lingeringQueue},
		{"drop", fileMessage, lingertest.Socket},
	} {
		sendAndClose(t, address, row.packet, 1, row.open(t))
		send(t, address, row.order)
		if got, err := actor.Receive(actortest.Context(t)); got != "done" {
			t.Fatalf("%s: %v, %v", row.order, got, err)
		}
	}
	socket := lingertest.Socket(t)
	whileStopped(t, actor, func() {
		send(t, address, "end")
		sendAndClose(t, address, fileMessage, 1, socket)
	})
	if got, err := actor.Receive(actortest.Context(t)); got != "done" {
		t.Errorf("inbox:close: %v, %v", got, err)
	}
	testkit.Must(t, actor.Kill())
	actor.Wait()
}
