package mailbox_test

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/memfd"
	"github.com/go-initscript/initscript/mailbox"
	"golang.org/x/sys/unix"
)

// giveAddresses is an actor that sends back what it receives, but for two words: a new address of itself
// for the one, what comes of sending the next message with one byte more for the other.
const giveAddresses = `
while true do
    local message = inbox:receive()
    if message == "address" then
        parent:send(inbox)
    elseif message == "longer" then
        message = inbox:receive()
        message.padding = message.padding .. "x"
        local _, err = pcall(parent.send, parent, message)
        parent:send(tostring(err))
    else
        parent:send(message)
    end
end`

func spawnForPackets(t *testing.T) (*initscript.Actor, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	actor, err := initscript.Spawn(ctx, initscript.Actor{ModuleSource: giveAddresses, Stderr: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		actor.Close()
		actor.Wait()
	})
	return actor, ctx
}

func askFor(t *testing.T, ctx context.Context, actor *initscript.Actor, message any) any {
	t.Helper()
	if err := actor.Send(ctx, message); err != nil {
		t.Fatal(err)
	}
	answer, err := actor.Receive(ctx)
	if err != nil {
		t.Fatalf("%v; the actor: %v", err, actor.Wait())
	}
	return answer
}

// sendRaw sends a packet and its descriptors through a new address, and waits for the end of that
// source.
func sendRaw(t *testing.T, address *mailbox.Channel, packet []byte, fds []int) {
	t.Helper()
	defer address.Close()
	err := address.SendRaw(packet, fds...)
	mailbox.CloseDescriptors(fds)
	if err == nil {
		err = address.AwaitHangup()
	}
	if err != nil {
		t.Error(err)
	}
}

func descriptorsOfActor(t *testing.T, actor *initscript.Actor) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", actor.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Each malformed message ends its source, and neither another one nor the actor, and no descriptor
// stays open.
func TestMalformedMessagesToLua(t *testing.T) {
	actor, ctx := spawnForPackets(t)
	packets := append(mailbox.MalformedPackets(t),
		// Keys that Go can tell apart and Lua cannot.
		mailbox.MalformedPacket{
			"keys 1 and 1.0", mailbox.RawPacket(t, 0, 0, "a2 01 01 f9 3c00 02"), "", nil, "", "",
		},
		mailbox.MalformedPacket{
			"key -2^53-1", mailbox.RawPacket(t, 0, 0, "a1 3b 0020000000000000 01"), "", nil, "", "",
		},
		mailbox.MalformedPacket{
			"key 2^60", mailbox.RawPacket(t, 0, 0, "a1 1b 1000000000000000 01"), "", nil, "", "",
		},
	)
	before := descriptorsOfActor(t, actor)
	for _, row := range packets {
		t.Run(row.Name, func(t *testing.T) {
			address, ok := askFor(t, ctx, actor, "address").(*mailbox.Channel)
			if !ok {
				t.Fatal("no address")
			}
			sendRaw(t, address, row.Packet, mailbox.DescriptorsOf(t, row.Kinds, row.Body))
			if got := askFor(t, ctx, actor, row.Name); got != row.Name {
				t.Errorf("from another source: %v", got)
			}
			if after := descriptorsOfActor(t, actor); after != before {
				t.Errorf("%d descriptors are open, and %d were", after, before)
			}
		})
	}
}

// A body of many holes and a great length costs no more memory than the limit.
func TestSparseMemfdToLua(t *testing.T) {
	actor, ctx := spawnForPackets(t)
	fd, err := memfd.Create("sparse", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	const size = 1 << 40
	if err := unix.Ftruncate(fd, size); err != nil {
		t.Fatal(err)
	}
	unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	address := askFor(t, ctx, actor, "address").(*mailbox.Channel)
	sendRaw(t, address, mailbox.MemfdPacket(1, 1<<32-1), []int{fd})
	if got := askFor(t, ctx, actor, "still there"); got != "still there" {
		t.Error(got)
	}
}

// Lua actors count the cost of a message as Go does, to the byte: what they receive and what they send.
func TestCostToLua(t *testing.T) {
	entries := make(map[string]any)
	for i := range 1000 {
		entries[fmt.Sprint("key ", i)] = float64(i) + 0.5
	}
	padding := strings.Repeat("x", mailbox.DefaultMessageLimit)
	message := func(length int) any {
		return map[string]any{"map": entries, "list": []any{true, []any{}}, "padding": padding[:length]}
	}
	tooLong := sort.Search(len(padding), func(length int) bool {
		return mailbox.CostOf(t, message(length)) > mailbox.DefaultMessageLimit
	})

	actor, ctx := spawnForPackets(t)
	if got := askFor(t, ctx, actor, message(tooLong-1)); !reflect.DeepEqual(got, message(tooLong-1)) {
		t.Errorf("a message that costs as much as the limit came back as %.100v", got)
	}
	header, memfd := mailbox.ThroughMemfd(t, mailbox.Packet(t, message(tooLong)))
	sendRaw(t, askFor(t, ctx, actor, "address").(*mailbox.Channel), header, []int{memfd})

	if err := actor.Send(ctx, "longer"); err != nil {
		t.Fatal(err)
	}
	if err := actor.Send(ctx, message(tooLong-1)); err != nil {
		t.Fatal(err)
	}
	const want = "too large: it costs its receiver more than the limit of 67108864 bytes"
	if got, err := actor.Receive(ctx); err != nil || !strings.Contains(fmt.Sprint(got), want) {
		t.Errorf("sending what costs more than the limit: %.100v, %v", got, err)
	}
}

// Good packets in unusual encodings.
func TestEncodingsToLua(t *testing.T) {
	actor, ctx := spawnForPackets(t)
	for body, want := range map[string]any{
		"1b 0000000000000001": int64(1),
		"f9 3e00":             1.5,
		"f9 0001":             5.960464477539063e-8,
		"f9 fc00":             -1 / zero(),
		"fa 3fc00000":         1.5,
		"39 0000":             int64(-1),
		"3b 7fffffffffffffff": int64(-1 << 63),
		"3b 001fffffffffffff": int64(-1 << 53),
		"1b ffffffffffffffff": uint64(1<<64 - 1),
		"79 0001 61":          "a",
		"42 6162":             "ab",
	} {
		address := askFor(t, ctx, actor, "address").(*mailbox.Channel)
		packet := mailbox.RawPacket(t, 0, 0, body)
		if err := address.SendRaw(packet); err != nil {
			t.Fatal(err)
		}
		if got, err := actor.Receive(ctx); got != want {
			t.Errorf("%s: got %#v, %v, want %#v", body, got, err, want)
		}
		address.Close()
	}
}

func zero() float64 { return 0 }
