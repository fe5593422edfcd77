package initscript_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/ffitest"
	"golang.org/x/sys/unix"
)

// spawnLua starts a Lua actor that ends with the test at the latest.
func spawnLua(t *testing.T, source string) *initscript.Actor {
	t.Helper()
	return spawn(t, initscript.Actor{ModuleSource: source, Stderr: os.Stderr})
}

const echoInLua = `while true do parent:send(inbox:receive()) end`

// exchange sends a message and returns the answer.
func exchange(t *testing.T, actor *initscript.Actor, message any) any {
	t.Helper()
	ctx := testContext(t)
	if err := actor.Send(ctx, message); err != nil {
		t.Fatalf("send %.100v: %v", message, err)
	}
	answer, err := actor.Receive(ctx)
	if err != nil {
		actor.Kill()
		t.Fatalf("answer to %.100v: %v; the actor: %v", message, err, actor.Wait())
	}
	return answer
}

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
			map[any]any{true: int64(1), false: int64(2), int64(1): int64(3), 1.5: int64(4), "x": int64(5), int64(-7): int64(6)}},
		{"map with the keys 1 to 2", map[int]int{1: 1, 2: 2}, map[any]any{int64(1): int64(1), int64(2): int64(2)}},
		{"32 levels", nested, nested},
		{"64 KiB of body", strings.Repeat("x", 64<<10-3), strings.Repeat("x", 64<<10-3)},
		{"one byte more", strings.Repeat("x", 64<<10-2), strings.Repeat("x", 64<<10-2)},
		{"20 MiB", strings.Repeat("x", 20<<20), strings.Repeat("x", 20<<20)},
		{"much in a memfd", manyStrings(20000), manyStrings(20000)},
		{"map with many entries", manyEntries[int, int](5000), manyEntries[any, any](5000)},
	}
	actor := spawnLua(t, echoInLua)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := exchange(t, actor, test.sent); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %.200s, want %.200s", fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", test.want))
			}
		})
	}
	if got := exchange(t, actor, math.NaN()); !math.IsNaN(got.(float64)) {
		t.Errorf("NaN became %v", got)
	}
	if got := exchange(t, actor, math.Copysign(0, -1)); !math.Signbit(got.(float64)) {
		t.Errorf("-0 became %v", got)
	}
}

// What Lua code sees of values from Go.
func TestLuaTypes(t *testing.T) {
	actor := spawnLua(t, `
local m = inbox:receive()
local function show(v) return type(v) .. " " .. tostring(v) end
parent:send{ show(m.bool), show(m.int), show(m.float), show(m.text), show(m.bytes), show(#m.list), show(m.big),
    type(m.file), getmetatable(m.file), type(m.channel), getmetatable(m.channel) }`)
	inbox, channel := newInbox(t)
	_ = inbox
	file, err := os.Open("/dev/null")
	must(t, err)
	defer file.Close()
	got := exchange(t, actor, map[string]any{"bool": true, "int": 7, "float": 0.5, "text": "t", "bytes": []byte("b"),
		"list": []int{1, 2}, "big": int64(1 << 60), "file": file, "channel": channel})
	want := []any{"boolean true", "number 7", "number 0.5", "string t", "string b", "number 2",
		"cdata 1152921504606846976LL", "userdata", "file_descriptor", "userdata", "ipc_actor_channel"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLuaFilesAndChannels(t *testing.T) {
	actor := spawnLua(t, `
local m = inbox:receive()
m.file:write("written by Lua")
m.file:close()
m.reply:send{ text = m.big, back = inbox }
m.reply:close()
parent:send(inbox:receive())`)
	reader, writer, err := os.Pipe()
	must(t, err)
	inbox, reply := newInbox(t)
	ctx := testContext(t)
	big := strings.Repeat("x", 100000)
	must(t, actor.Send(ctx, map[string]any{"file": writer, "reply": reply, "big": big}))
	writer.Close()
	if text, err := io.ReadAll(reader); string(text) != "written by Lua" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
	message := receive(t, inbox).(map[string]any)
	if message["text"] != big {
		t.Errorf("got %.100v", message)
	}
	back := message["back"].(*initscript.Channel)
	must(t, back.Send(ctx, "through the address"))
	if got, err := actor.Receive(ctx); got != "through the address" {
		t.Errorf("got %v, %v", got, err)
	}
	back.Close()
	finish(t, actor)
}

func TestLuaActorFailures(t *testing.T) {
	noSenders := "Broadcast the address before attempting to receive on it"
	tests := []struct {
		name, source, message, stack string
	}{
		{"error", "local function f() error('boom') end\nf()", "module:1: boom", "in function 'f'"},
		{"error without position", "error('boom', 0)", "boom", "stack traceback:"},
		{"table", "error{}", "(error object is a table value)", "stack traceback:"},
		{"object", "error(setmetatable({}, { __tostring = function() return 'mine' end }))", "mine", "stack traceback:"},
		{"no senders", "inbox:receive()", "module:1: " + noSenders, "in function 'receive'"},
		{"does not load", "x = = 1", "module:1: unexpected symbol near '='", ""},
		{"bytecode", "\x1bLJ", "attempt to load chunk with wrong mode", ""},
		{"status of os.exit", "os.exit(7)", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stderr strings.Builder
			actor := spawn(t, initscript.Actor{ModuleSource: test.source, Stderr: &stderr})
			actor.Close()
			err := actor.Wait()
			var failed *initscript.ActorError
			if test.message == "" {
				if got := actor.ProcessState().ExitCode(); got != 7 || errors.As(err, &failed) {
					t.Errorf("got %v, status %d", err, got)
				}
				return
			}
			if !errors.As(err, &failed) || !strings.HasPrefix(failed.Message, test.message) ||
				!strings.Contains(failed.Stack, test.stack) || failed.Entry != "module" {
				t.Errorf("got %#v", err)
			}
			if got := actor.ProcessState().ExitCode(); got != 1 {
				t.Errorf("status %d", got)
			}
			if !strings.Contains(stderr.String(), test.message) || !strings.Contains(stderr.String(), test.stack) {
				t.Errorf("stderr %q", stderr.String())
			}
		})
	}
}

func TestLuaActorFields(t *testing.T) {
	tests := []struct {
		actor initscript.Actor
		want  string
	}{
		{initscript.Actor{}, "Entry: exactly one of"},
		{initscript.Actor{Entry: "wait", Module: "x"}, "Module: exactly one of"},
		{initscript.Actor{Entry: "wait", ModuleSource: "x"}, "ModuleSource: exactly one of"},
		{initscript.Actor{Module: "x", ModuleSource: "x"}, "ModuleSource: exactly one of"},
		{initscript.Actor{Module: "x\x00"}, `Module: "x\x00" contains a NUL byte`},
		{initscript.Actor{ModuleSource: "x\x00"}, "ModuleSource: contains a NUL byte"},
		{initscript.Actor{ModuleSource: "x", ModuleName: "\x00"}, `ModuleName: "\x00" contains a NUL byte`},
		{initscript.Actor{ModuleSource: "x", ModuleMemoryLimit: -1}, "ModuleMemoryLimit: -1 is negative"},
		{initscript.Actor{ModuleSource: "x", Namespaces: initscript.NewTime}, "Namespaces: "},
	}
	for _, test := range tests {
		_, err := initscript.Spawn(testContext(t), test.actor)
		var field *initscript.FieldError
		if !errors.As(err, &field) || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestLuaActorModule(t *testing.T) {
	directory := t.TempDir()
	actor := spawn(t, initscript.Actor{
		Module: "made.lua", Dir: directory, Stderr: os.Stderr,
		Script: `write_all(C.open("made.lua", bit.bor(C.O_WRONLY, C.O_CREAT), mode(6, 0, 0)), "#!x\nparent:send(_CONTEXT)")`,
	})
	if got, err := actor.Receive(testContext(t)); got != "worker" {
		t.Errorf("got %v, %v", got, err)
	}
	finish(t, actor)
	var stderr strings.Builder
	actor = spawn(t, initscript.Actor{Module: "/nonexistent", Stderr: &stderr})
	if err := actor.Wait(); err == nil || err.Error() != "actor /nonexistent: cannot open /nonexistent: No such file or directory" {
		t.Errorf("got %v", err)
	}
	if want := "Error starting the lua VM: cannot open /nonexistent: No such file or directory\n"; stderr.String() != want {
		t.Errorf("stderr %q", stderr.String())
	}
}

// The environment, the descriptors and the signal dispositions that a module finds.
func TestLuaActorSurroundings(t *testing.T) {
	extra, err := os.Open("/dev/null")
	must(t, err)
	defer extra.Close()
	actor := spawn(t, initscript.Actor{
		Stderr: os.Stderr, Env: []string{"FOO=bar"}, ExtraFiles: []*os.File{extra}, Arg: extra,
		Script: `C.open("/dev/zero", C.O_RDONLY) secret = "x"`,
		ModuleSource: `
local fds = {}
for fd = 0, 1000 do
    local found = io.open("/proc/self/fdinfo/" .. fd)
    if found then found:close() fds[#fds + 1] = fd end
end
local status = io.open("/proc/self/status"):read("*a")
parent:send{ foo = os.getenv("FOO"), home = os.getenv("HOME") or false, secret = secret or false, c = C or false, arg = arg or false,
    extra = #extra_files, fds = #fds, jit = (jit.status()), sigpipe = tonumber(status:match("SigIgn:%s*(%x+)"), 16),
    threads = tonumber(status:match("Threads:%s*(%d+)")) }`,
	})
	got, err := actor.Receive(testContext(t))
	must(t, err)
	want := map[string]any{"foo": "bar", "home": false, "secret": false, "c": false, "arg": false, "extra": int64(1),
		"fds": int64(3 + 1 + 1 + 2), // stdio, inbox, extra file, start socket and parent
		"jit": true, "sigpipe": int64(1 << (unix.SIGPIPE - 1)), "threads": int64(1)}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLuaActorMemoryLimit(t *testing.T) {
	actor := spawn(t, initscript.Actor{ModuleMemoryLimit: 4 << 20, Stderr: os.Stderr, ModuleSource: `
parent:send(select(2, pcall(string.rep, "x", 2^23)))
parent:send(#string.rep("x", 2^20))`})
	ctx := testContext(t)
	if got, err := actor.Receive(ctx); got != "not enough memory" {
		t.Errorf("got %.100v, %v", got, err)
	}
	if got, err := actor.Receive(ctx); got != int64(1<<20) {
		t.Errorf("got %.100v, %v", got, err)
	}
}

// Without room for one descriptor an inbox cannot be waited for: that is an error, and no loop.
func TestLuaActorWithoutDescriptors(t *testing.T) {
	actor := spawn(t, initscript.Actor{
		Script: `C.setrlimit(C.RLIMIT_NOFILE, 0, 0)`, Stderr: os.Stderr,
		ModuleSource: `
local ok, e = pcall(inbox.receive, inbox)
parent:send{ ok, e.name, tostring(e):match("[^:]*: [^:]*: [^:]*$") }`,
	})
	got, err := actor.Receive(testContext(t))
	if want := []any{false, "EINVAL", "receive: poll: Invalid argument"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	finish(t, actor)
}

func TestLuaActorInNamespaces(t *testing.T) {
	requireUserNamespaces(t)
	config := mappedToRoot(initscript.Actor{Stderr: os.Stderr, ModuleSource: `
local ffi = require "ffi"
ffi.cdef "int getpid(void); int getuid(void);"
parent:send{ pid = ffi.C.getpid(), uid = ffi.C.getuid() }
inbox:receive()`})
	config.Namespaces |= initscript.NewPID
	ffitest.Require(t, config.ModuleSource)
	actor := spawn(t, config)
	got, err := actor.Receive(testContext(t))
	if want := map[string]any{"pid": int64(2), "uid": int64(0)}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// Sources have their turns: one that never stops does not starve another one.
func TestLuaInboxIsFair(t *testing.T) {
	actor := spawnLua(t, `
parent:send(inbox)
local flood = 0
while true do
    local message = inbox:receive()
    if message == "flood" then flood = flood + 1 else break end
end
parent:send("heard")`)
	ctx := testContext(t)
	first, err := actor.Receive(ctx)
	must(t, err)
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
			if first.(*initscript.Channel).Send(ctx, "flood") != nil {
				return
			}
		}
	}()
	must(t, actor.Send(ctx, "quiet"))
	if got, err := actor.Receive(ctx); got != "heard" {
		t.Errorf("got %v, %v", got, err)
	}
	close(stop)
	first.(*initscript.Channel).Close()
	<-done
}
