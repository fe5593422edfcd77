package actors_test

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/actortest"
	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/ffitest"
	"golang.org/x/sys/unix"
)

func TestLuaActorFailures(t *testing.T) {
	noSenders := "Broadcast the address before attempting to receive on it"
	tests := []struct {
		name, source, message, stack string
	}{
		{"error", "local function f() error('boom') end\nf()", "module:1: boom", "in function 'f'"},
		{"error without position", "error('boom', 0)", "boom", "stack traceback:"},
		{"table", "error{}", "(error object is a table value)", "stack traceback:"},
		{"object", "error(setmetatable({}, { __tostring = function() return 'mine' end }))", "mine",
			"stack traceback:"},
		{"no senders", "inbox:receive()", "module:1: " + noSenders, "in function 'receive'"},
		{"does not load", "x = = 1", "module:1: unexpected symbol near '='", ""},
		{"bytecode", "\x1bLJ", "attempt to load chunk with wrong mode", ""},
		{"status of os.exit", "os.exit(7)", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stderr strings.Builder
			actor := actortest.Spawn(t, initscript.Actor{ModuleSource: test.source, Stderr: &stderr})
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
			if !strings.Contains(stderr.String(), test.message) ||
				!strings.Contains(stderr.String(), test.stack) {
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
		{initscript.Actor{ModuleSource: "x", ModuleName: "\x00"},
			`ModuleName: "\x00" contains a NUL byte`},
		{initscript.Actor{ModuleSource: "x", ModuleMemoryLimit: -1},
			"ModuleMemoryLimit: -1 is negative"},
		{initscript.Actor{ModuleSource: "x", Namespaces: initscript.NewTime}, "Namespaces: "},
	}
	for _, test := range tests {
		_, err := initscript.Spawn(actortest.Context(t), test.actor)
		var field *initscript.FieldError
		if !errors.As(err, &field) || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestLuaActorModule(t *testing.T) {
	directory := t.TempDir()
	actor := actortest.Spawn(t, initscript.Actor{
		Module: "made.lua", Dir: directory, Stderr: os.Stderr,
		Script: `write_all(C.open("made.lua", bit.bor(C.O_WRONLY, C.O_CREAT), mode(6, 0, 0)), ` +
			`"#!x\nparent:send(_CONTEXT)")`,
	})
	if got, err := actor.Receive(actortest.Context(t)); got != "worker" {
		t.Errorf("got %v, %v", got, err)
	}
	actortest.Finish(t, actor)
	var stderr strings.Builder
	actor = actortest.Spawn(t, initscript.Actor{Module: "/nonexistent", Stderr: &stderr})
	if err := actor.Wait(); err == nil ||
		err.Error() != "actor /nonexistent: cannot open /nonexistent: No such file or directory" {
		t.Errorf("got %v", err)
	}
	if want := "Error starting the lua VM: cannot open /nonexistent: No such file or " +
		"directory\n"; stderr.String() != want {
		t.Errorf("stderr %q", stderr.String())
	}
}

// The environment, the descriptors and the signal dispositions that a module finds.
func TestLuaActorSurroundings(t *testing.T) {
	extra, err := os.Open("/dev/null")
	testkit.Must(t, err)
	defer extra.Close()
	actor := actortest.Spawn(t, initscript.Actor{
		Stderr: os.Stderr, Env: []string{"FOO=bar"}, ExtraFiles: []*os.File{extra}, Arg: extra,
		Script: `C.open("/dev/zero", C.O_RDONLY) secret = "x"`,
		ModuleSource: `
local fds = {}
for fd = 0, 1000 do
    local found = io.open("/proc/self/fdinfo/" .. fd)
    if found then found:close() fds[#fds + 1] = fd end
end
local status = io.open("/proc/self/status"):read("*a")
parent:send{
    foo = os.getenv("FOO"), home = os.getenv("HOME") or false,
    secret = secret or false, c = C or false, arg = arg or false,
    extra = #extra_files, fds = #fds, jit = (jit.status()),
    sigpipe = tonumber(status:match("SigIgn:%s*(%x+)"), 16),
    threads = tonumber(status:match("Threads:%s*(%d+)")),
}`,
	})
	got, err := actor.Receive(actortest.Context(t))
	testkit.Must(t, err)
	want := map[string]any{"foo": "bar", "home": false, "secret": false, "c": false, "arg": false,
		"extra": int64(1),
		"fds":   int64(3 + 1 + 1 + 2), // stdio, inbox, extra file, start socket and parent
		"jit":   true, "sigpipe": int64(1 << (unix.SIGPIPE - 1)), "threads": int64(1)}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLuaActorMemoryLimit(t *testing.T) {
	actor := actortest.Spawn(
		t,
		initscript.Actor{ModuleMemoryLimit: 4 << 20, Stderr: os.Stderr, ModuleSource: `
parent:send(select(2, pcall(string.rep, "x", 2^23)))
parent:send(#string.rep("x", 2^20))`},
	)
	ctx := actortest.Context(t)
	if got, err := actor.Receive(ctx); got != "not enough memory" {
		t.Errorf("got %.100v, %v", got, err)
	}
	if got, err := actor.Receive(ctx); got != int64(1<<20) {
		t.Errorf("got %.100v, %v", got, err)
	}
}

// Without room for one descriptor an inbox cannot be waited for: that is an error, and no loop.
func TestLuaActorWithoutDescriptors(t *testing.T) {
	actor := actortest.Spawn(t, initscript.Actor{
		Script: `C.setrlimit(C.RLIMIT_NOFILE, 0, 0)`, Stderr: os.Stderr,
		ModuleSource: `
local ok, e = pcall(inbox.receive, inbox)
parent:send{ ok, e.name, tostring(e):match("[^:]*: [^:]*: [^:]*$") }`,
	})
	got, err := actor.Receive(actortest.Context(t))
	if want := []any{false, "EINVAL", "receive: poll: Invalid argument"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	actortest.Finish(t, actor)
}

func TestLuaActorInNamespaces(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	config := actortest.MappedToRoot(initscript.Actor{Stderr: os.Stderr, ModuleSource: `
local ffi = require "ffi"
ffi.cdef "int getpid(void); int getuid(void);"
parent:send{ pid = ffi.C.getpid(), uid = ffi.C.getuid() }
inbox:receive()`})
	config.Namespaces |= initscript.NewPID
	ffitest.Require(t, config.ModuleSource)
	actor := actortest.Spawn(t, config)
	got, err := actor.Receive(actortest.Context(t))
	if want := map[string]any{"pid": int64(2), "uid": int64(0)}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}
