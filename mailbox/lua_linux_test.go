package mailbox_test

import (
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/actortest"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/mailbox"
)

// What Go sends comes back from Lua as the same, but for what Lua has no types for.
func TestLuaRoundTrip(t *testing.T) {
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
		{"small", -1, int64(-1)},
		{"2^53", int64(1 << 53), int64(1 << 53)},
		{"more than a Lua number holds", int64(1<<53 + 1), int64(1<<53 + 1)},
		{"least int64", int64(math.MinInt64), int64(math.MinInt64)},
		{"greatest int64", int64(math.MaxInt64), int64(math.MaxInt64)},
		{"uint64", uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{"float", 0.1, 0.1},
		{"integral float becomes an integer", 3.0, int64(3)},
		{"large integral float", 1e300, 1e300},
		{"infinity", math.Inf(-1), math.Inf(-1)},
		{"string", "\xff\x00\xfe", "\xff\x00\xfe"},
		{"empty string", "", ""},
		{"bytes become a string", []byte{0, 255}, "\x00\xff"},
		{"list", []any{1, "a", 1.5, false}, []any{int64(1), "a", 1.5, false}},
		{"empty list", []any{}, []any{}},
		{"map", map[string]any{"a": 1, "b": []any{}}, map[string]any{"a": int64(1), "b": []any{}}},
		{"empty map", map[string]any{}, map[string]any{}},
		{"map with other keys", map[any]any{true: 1, false: 2, 1: 3, 1.5: 4, "x": 5, -7: 6},
			map[any]any{true: int64(1), false: int64(2), int64(1): int64(3), 1.5: int64(4),
				"x": int64(5), int64(-7): int64(6)}},
		{"map with the keys 1 to 2", map[int]int{1: 1, 2: 2},
			map[any]any{int64(1): int64(1), int64(2): int64(2)}},
		{"32 levels", nested, nested},
		{"64 KiB of body", strings.Repeat("x", 64<<10-3), strings.Repeat("x", 64<<10-3)},
		{"one byte more", strings.Repeat("x", 64<<10-2), strings.Repeat("x", 64<<10-2)},
		{"20 MiB", strings.Repeat("x", 20<<20), strings.Repeat("x", 20<<20)},
		{"much in a memfd", manyStrings(20000), manyStrings(20000)},
		{"map with many entries", manyEntries[int, int](5000), manyEntries[any, any](5000)},
	}
	actor := actortest.SpawnLua(t, `while true do parent:send(inbox:receive()) end`)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := actortest.Exchange(t, actor, test.sent); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %.200s, want %.200s",
					fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", test.want))
			}
		})
	}
	if got := actortest.Exchange(t, actor, math.NaN()); !math.IsNaN(got.(float64)) {
		t.Errorf("NaN became %v", got)
	}
	if got := actortest.Exchange(t, actor, math.Copysign(0, -1)); !math.Signbit(got.(float64)) {
		t.Errorf("-0 became %v", got)
	}
}

// What Lua code sees of values from Go.
func TestLuaTypes(t *testing.T) {
	actor := actortest.SpawnLua(t, `
local m = inbox:receive()
local function show(v) return type(v) .. " " .. tostring(v) end
parent:send{ show(m.bool), show(m.int), show(m.float), show(m.text), show(m.bytes), show(#m.list),
	show(m.big),
    type(m.file), getmetatable(m.file), type(m.channel), getmetatable(m.channel) }`)
	inbox, channel := newInbox(t)
	_ = inbox
	file, err := os.Open("/dev/null")
	testkit.Must(t, err)
	defer file.Close()
	got := actortest.Exchange(t, actor, map[string]any{
		"bool": true, "int": 7, "float": 0.5, "text": "t", "bytes": []byte("b"),
		"list": []int{1, 2}, "big": int64(1 << 60), "file": file, "channel": channel})
	want := []any{"boolean true", "number 7", "number 0.5", "string t", "string b", "number 2",
		"cdata 1152921504606846976LL", "userdata", "file_descriptor", "userdata", "ipc_actor_channel"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLuaFilesAndChannels(t *testing.T) {
	actor := actortest.SpawnLua(t, `
local m = inbox:receive()
m.file:write("written by Lua")
m.file:close()
m.reply:send{ text = m.big, back = inbox }
m.reply:close()
parent:send(inbox:receive())`)
	reader, writer, err := os.Pipe()
	testkit.Must(t, err)
	inbox, reply := newInbox(t)
	ctx := actortest.Context(t)
	big := strings.Repeat("x", 100000)
	testkit.Must(t, actor.Send(ctx, map[string]any{"file": writer, "reply": reply, "big": big}))
	writer.Close()
	if text, err := io.ReadAll(reader); string(text) != "written by Lua" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
	message := receive(t, inbox).(map[string]any)
	if message["text"] != big {
		t.Errorf("got %.100v", message)
	}
	back := message["back"].(*mailbox.Channel)
	testkit.Must(t, back.Send(ctx, "through the address"))
	if got, err := actor.Receive(ctx); got != "through the address" {
		t.Errorf("got %v, %v", got, err)
	}
	back.Close()
	testkit.Must(t, actor.Close())
	testkit.Must(t, actor.Wait())
}

// Sources have their turns: one that never stops does not starve another one.
func TestLuaInboxIsFair(t *testing.T) {
	actor := actortest.SpawnLua(t, `
parent:send(inbox)
local flood = 0
while true do
    local message = inbox:receive()
    if message == "flood" then flood = flood + 1 else break end
end
parent:send("heard")`)
	ctx := actortest.Context(t)
	first, err := actor.Receive(ctx)
	testkit.Must(t, err)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if first.(*mailbox.Channel).Send(ctx, "flood") != nil {
				return
			}
		}
	}()
	testkit.Must(t, actor.Send(ctx, "quiet"))
	if got, err := actor.Receive(ctx); got != "heard" {
		t.Errorf("got %v, %v", got, err)
	}
	close(stop)
	first.(*mailbox.Channel).Close()
	<-done
}
