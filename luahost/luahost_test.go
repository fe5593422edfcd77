//go:build (linux || freebsd) && cgo && luajit

package luahost_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aarzilli/golua/lua"
	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/ffitest"
	"github.com/go-initscript/initscript/luahost"
	"golang.org/x/sys/unix"
)

// helpers are what the programs of the tests share.
const helpers = `
function check(ok, ...)
    if not ok then error(select("#", ...) > 0 and tostring((...)) or "check failed", 2) end
end
function equal(got, want)
    if got ~= want then error(("got %s, want %s"):format(tostring(got), tostring(want)), 2) end
end
-- Calls, and returns the error object, which must be one.
function failure(f, ...)
    local ok, e = pcall(f, ...)
    if ok then error("no error was raised", 2) end
    if getmetatable(e) ~= "error_code" then error("no error object: " .. tostring(e), 2) end
    return e
end
function expect_failure(name, arg, f, ...)
    local e = failure(f, ...)
    if e.name ~= name or e.arg ~= arg then
        error(("got %s(%s), want %s(%s): %s"):format(tostring(e.name), tostring(e.arg), name,
            tostring(arg), tostring(e)), 2)
    end
    return e
end
function actor(source, subprocess)
    subprocess = subprocess or {}
    subprocess.stderr = subprocess.stderr or "share"
    return spawn_vm{ module_source = source, subprocess = subprocess }
end
`

func newState(t *testing.T) *lua.State {
	t.Helper()
	L := lua.NewState()
	L.OpenLibs()
	if err := luahost.Open(L); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(L.Close)
	return L
}

// run runs a Lua program in a state of its own.
func run(t *testing.T, program string) error {
	t.Helper()
	return runIn(t, newState(t), program)
}

func runIn(t *testing.T, L *lua.State, program string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.lua")
	if err := os.WriteFile(path, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	prelude := filepath.Join(filepath.Dir(path), "helpers.lua")
	if err := os.WriteFile(prelude, []byte(helpers), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := luahost.Run(L, prelude); err != nil {
		t.Fatal(err)
	}
	return luahost.Run(L, path)
}

func mustRun(t *testing.T, program string) {
	t.Helper()
	ffitest.Require(t, program)
	if err := run(t, program); err != nil {
		t.Error(err)
	}
}

// programs are tests in Lua.
var programs = map[string]string{
	"options/argument": `
expect_failure("EINVAL", 1, spawn_vm)
expect_failure("EINVAL", 1, spawn_vm, 1)
expect_failure("ENOTSUP", "subprocess", spawn_vm, "module")
expect_failure("ENOTSUP", "subprocess", spawn_vm, { module = "." })
expect_failure("ENOTSUP", "subprocess", spawn_vm, { module = ".", subprocess = true })`,
	"options/module": `
for _, wrong in ipairs{ 1, true, {}, print } do
    expect_failure("EINVAL", "module", spawn_vm, { module = wrong, subprocess = {} })
    expect_failure("EINVAL", "module_source", spawn_vm, { module_source = wrong, subprocess = {} })
end
expect_failure("EINVAL", "module_source", spawn_vm,
    { module = "x", module_source = "", subprocess = {} })`,
	"options/context": `
for _, name in ipairs{ "inherit_context", "new_master" } do
    for _, value in ipairs{ true, false } do
        expect_failure("EINVAL", 1, spawn_vm, { [name] = value, subprocess = {} })
    end
    actor("", {}) -- other types and unknown keys are ignored
    spawn_vm{ module_source = "", [name] = "x", concurrency_hint = {}, unknown = 1,
        subprocess = { unknown = 1 } }
end`,
	"options/booleans": `
for _, name in ipairs{ "uts", "ipc", "pid", "user", "net", "mount" } do
    for _, wrong in ipairs{ 1, "true", {} } do
        expect_failure("EINVAL", "subprocess/newns_" .. name, spawn_vm,
            { subprocess = { ["newns_" .. name] = wrong } })
    end
    actor("", { ["newns_" .. name] = false })
end
expect_failure("EINVAL", "subprocess/pd_daemon", spawn_vm, { subprocess = { pd_daemon = 1 } })
actor("", { pd_daemon = true })`,
	"descriptors/options of sockets": `
local ffi = require "ffi"
ffi.cdef[[ int setsockopt(int, int, int, const void *, unsigned); int getpid(void); ]]
local function count()
    local list, n = io.popen("ls /proc/" .. ffi.C.getpid() .. "/fd"), 0
    for _ in list:lines() do n = n + 1 end
    list:close()
    return n
end
local a, b = unix.seqpacket_socket.pair()
local one, file = ffi.new("int[1]", 1), unix.open "/dev/null"
for _, option in ipairs{ 16, 34, 29, 76 } do -- SO_PASSCRED, SO_PASSSEC, SO_TIMESTAMP, SO_PASSPIDFD
    ffi.C.setsockopt(tonumber(tostring(a):match "%d+"), 1, option, one, 4)
end
local before = count()
for sent = 0, 2 do
    local files = {}
    for i = 1, sent do files[i] = file end
    for _ = 1, 20 do
        b:send_with_fds("x", files)
        local text, fds = a:receive_with_fds(10)
        equal(text, "x")
        equal(#fds, sent)
        for _, fd in ipairs(fds) do fd:close() end
    end
end
local now
for _ = 1, 100 do -- goroutines open and close others meanwhile
    now = count()
    if now <= before then break end
end
assert(now <= before, now)`,
	"options/stdio": `
local closed = unix.pipe() closed:close()
for _, name in ipairs{ "stdin", "stdout", "stderr" } do
    local argument = "subprocess/" .. name
    for _, wrong in ipairs{ "x", 1, true, {}, io.stdout, inbox } do
        expect_failure("EINVAL", argument, spawn_vm, { subprocess = { [name] = wrong } })
    end
    expect_failure("EBUSY", argument, spawn_vm, { subprocess = { [name] = closed } })
end`,
	"options/environment": `
for _, wrong in ipairs{ 1, "A=1", { A = 1 }, { "A=1" }, { [1] = "x" }, { A = {} },
    { ["A=B"] = "x" }, { [""] = "x" }, { A = "\0" } } do
    expect_failure("EINVAL", "subprocess/environment", spawn_vm,
        { subprocess = { environment = wrong } })
end
local a = actor([[parent:send{ e = os.getenv("E"), home = os.getenv("HOME") or false }]],
    { environment = { E = "a=b\nc" }, init = { script = "assert(not os.getenv('E'))" } })
local got = a:receive()
equal(got.e, "a=b\nc")
equal(got.home, false)`,
	"options/large environment": `
local environment = { LONG = ("x"):rep(200000) }
for i = 1, 1000 do environment["E" .. i] = "value " .. i end
local a = actor([[parent:send{ #os.getenv("LONG"), os.getenv("E1000") }]], { environment = environment })
local got = a:receive()
equal(got[1], 200000) equal(got[2], "value 1000")`,
	"options/unsupported": `
expect_failure("EINVAL", "subprocess/source_tree_cache", spawn_vm,
    { subprocess = { source_tree_cache = 1 } })
expect_failure("EINVAL", "subprocess/source_tree_cache", spawn_vm,
    { subprocess = { source_tree_cache = { a = { b = 1 } } } })
for _, name in ipairs{ "source_tree_cache", "native_modules_cache", "ld_library_directories",
    "libc_service" } do
    expect_failure("ENOTSUP", "subprocess/" .. name, spawn_vm, { subprocess = { [name] = {} } })
end`,
	"options/init": `
local closed = unix.pipe() closed:close()
expect_failure("EINVAL", "subprocess/init", spawn_vm, { subprocess = { init = "x" } })
expect_failure("EINVAL", "subprocess/init/script", spawn_vm, { subprocess = { init = {} } })
expect_failure("EINVAL", "subprocess/init/script", spawn_vm, { subprocess = { init = { script = 5 } } })
expect_failure("EINVAL", "subprocess/init/arg", spawn_vm,
    { subprocess = { init = { script = 5, arg = 1 } } })
expect_failure("EBUSY", "subprocess/init/arg", spawn_vm,
    { subprocess = { init = { script = 5, arg = closed } } })
local e = expect_failure("EINVAL", "subprocess/init/script", spawn_vm,
    { subprocess = { init = { script = "\n\0" } } })
check(tostring(e):find("init.script:2: NUL byte", 1, true), e)`,
	"options/order": `
-- Each one is wrong, so each error must be of the first that is left.
local subprocess = {
    newns_uts = 1, newns_ipc = 1, newns_pid = 1, newns_user = 1, newns_net = 1, newns_mount = 1,
    pd_daemon = 1, stdin = 1, stdout = 1, stderr = 1, environment = 1, source_tree_cache = 1,
    init = { arg = 1, script = 1 },
}
for _, name in ipairs{ "newns_uts", "newns_ipc", "newns_pid", "newns_user", "newns_net", "newns_mount",
    "pd_daemon", "stdin", "stdout", "stderr", "environment", "source_tree_cache" } do
    expect_failure("EINVAL", "subprocess/" .. name, spawn_vm, { subprocess = subprocess })
    subprocess[name] = nil
end
expect_failure("EINVAL", "subprocess/init/arg", spawn_vm, { subprocess = subprocess })
subprocess.init.arg = nil
expect_failure("EINVAL", "subprocess/init/script", spawn_vm, { subprocess = subprocess })`,
	"options/metamethods": `
local subprocess = setmetatable({}, { __index = { stderr = "share" } })
local options = setmetatable({}, {
    __index = { module_source = "parent:send(1)", subprocess = subprocess },
})
equal(spawn_vm(options):receive(), 1)`,
	"options/called by nobody": `
-- Coroutines that begin in spawn_vm, or have left their function by a tail call.
expect_failure("EINVAL", 1, coroutine.wrap(spawn_vm), 1)
local co = coroutine.wrap(function() return spawn_vm{ module = ".", subprocess = { stdin = 1 } } end)
expect_failure("EINVAL", "subprocess/stdin", co)
co = coroutine.wrap(function() return spawn_vm{ module = "./missing", subprocess = {} } end)
expect_failure("module_not_found", "module", co)
co = coroutine.wrap(spawn_vm)
expect_failure("module_not_found", "module", co, { module = ".", subprocess = {} })`,
	"options/namespaces": `
-- Each option makes its namespace and no other one. Only a user namespace can be had by everybody.
local function namespace(pid, kind)
    return io.popen(("readlink /proc/%s/ns/%s"):format(pid, kind)):read("*a")
end
local options = { user = "user", uts = "uts", ipc = "ipc", pid = "pid", net = "net", mount = "mnt" }
-- PID 1 is not dumpable, so only root may look at it.
local is_root = io.popen("id -u"):read("*l") == "0"
for option in pairs(options) do
    local a = actor("pcall(inbox.receive, inbox)", { newns_user = true, ["newns_" .. option] = true })
    for other, kind in pairs((is_root or option ~= "pid") and options or {}) do
        local expected = other == "user" or other == option
        equal(namespace(a.child_pid, kind) ~= namespace("self", kind), expected, option .. ", " .. other)
    end
    a:close()
end`,
	"options/error": `
local function wrong() spawn_vm{ subprocess = { stdin = 1 } } end
local e = expect_failure("EINVAL", "subprocess/stdin", wrong)
equal(e.value, 22) equal(e.category, "generic")
local expected = "app.lua:2: spawn_vm: subprocess/stdin: file_descriptor or nil expected, got number"
check(tostring(e):find(expected, 1, true), e)`,

	"module/missing": `
expect_failure("module_not_found", "module", spawn_vm, { module = "./missing", subprocess = {} })
expect_failure("module_not_found", "module", spawn_vm, { module = "missing", subprocess = {} })
expect_failure("module_not_found", "module", spawn_vm, { module = "/nonexistent", subprocess = {} })
expect_failure("invalid_module_name", "module", spawn_vm, { module = "..", subprocess = {} })
expect_failure("invalid_module_name", "module", spawn_vm, { module = "./x/", subprocess = {} })
equal(failure(spawn_vm, { module = "./missing", subprocess = {} }).category, "initscript")`,
	"module/syntax": `
local e = expect_failure("EINVAL", "module_source", spawn_vm,
    { module_source = "x = = 1", subprocess = {} })
check(tostring(e):find("module:1: unexpected symbol near '='", 1, true), e)
expect_failure("EINVAL", "module_source", spawn_vm,
    { module_source = string.dump(function() end), subprocess = {} })
expect_failure("EINVAL", "module_source", spawn_vm, { module_source = "--\0", subprocess = {} })
local dir = arg[0]:match("^.*/")
local file = assert(io.open(dir .. "wrong.lua", "w")) file:write("#!lua\nx = = 1") file:close()
local e = expect_failure("EINVAL", "module", spawn_vm, { module = "./wrong", subprocess = {} })
check(tostring(e):find("wrong.lua:2: unexpected symbol", 1, true), e)`,
	"module/relative": `
local dir = arg[0]:match("^.*/")
local function write(name)
    local file = assert(io.open(dir .. name, "w"))
    file:write("parent:send('" .. name .. "')")
    file:close()
end
write("here.lua") write("plain") write("below.lua")
local function run(module)
    return spawn_vm{ module = module, subprocess = { stderr = "share" } }:receive()
end
equal(run("./here"), "here.lua")
equal(run("./here.lua"), "here.lua")
equal(run("./plain"), "plain")
equal(run(dir .. "here.lua"), "here.lua")
equal(run(filesystem.path.new(dir .. "here.lua")), "here.lua")
package.path = dir .. "?.lua"
equal(run("below"), "below.lua")`,
	"module/itself": `
if _CONTEXT == "worker" then parent:send("worker") return end
equal(_CONTEXT, "main")
equal(spawn_vm{ module = ".", subprocess = { stderr = "share" } }:receive(), "worker")`,
	"module/made by the script": `
local dir = arg[0]:match("^.*/")
local script = ([[
    C.chdir(%q)
    write_all(C.open("made.lua", bit.bor(C.O_WRONLY, C.O_CREAT), mode(6, 0, 0)), "parent:send('made')")
]]):format(dir)
for _, module in ipairs{ dir .. "made.lua", filesystem.path.new("made.lua") } do
    local a = spawn_vm{ module = module, subprocess = { stderr = "share", init = { script = script } } }
    equal(a:receive(), "made")
end`,
	"module/not made": `
local r, w = unix.pipe()
local a = spawn_vm{ module = "/nonexistent", subprocess = { stderr = w, init = { script = "" } } }
w:close()
equal(r:read(1000), "Error starting the lua VM: cannot open /nonexistent: No such file or directory\n")
local ok, how, status, message = a:wait()
equal(ok, nil) equal(how, "exit") equal(status, 1)
equal(message, "cannot open /nonexistent: No such file or directory")`,
	"module/made with a mistake": `
local dir = arg[0]:match("^.*/")
local script = ([[
    write_all(C.open(%q, bit.bor(C.O_WRONLY, C.O_CREAT), mode(6, 0, 0)), "\nx = = 1")
]]):format(dir .. "mistake.lua")
local r, w = unix.pipe()
local a = spawn_vm{ module = dir .. "mistake.lua",
    subprocess = { stderr = w, init = { script = script } } }
w:close()
local text = r:read(1000)
check(text:find("^Error starting the lua VM: .*mistake.lua:2: unexpected symbol near '='\n$"), text)
local ok, how, status, message = a:wait()
equal(how, "exit") equal(status, 1)
check(message:find("mistake.lua:2: unexpected symbol", 1, true), message)`,
	"module/none": `
for _, options in ipairs{ { subprocess = {} }, { module = "", subprocess = {} } } do
    local r, w = unix.pipe()
    options.subprocess.stderr = w
    local a = spawn_vm(options)
    w:close()
    check(r:read(1000):find("^Error starting the lua VM: "))
    local _, how, status = a:wait()
    equal(how, "exit") equal(status, 1)
end
local a = spawn_vm{ subprocess = { init = { script = "os.exit(7)" } } }
local _, how, status = a:wait()
equal(status, 7)`,
	"module/uncaught": `
local r, w = unix.pipe()
local a = actor("local function f() error('boom') end f()", { stderr = w })
w:close()
local text = ""
for piece in function() return r:read(100) end do text = text .. piece end
check(text:find("^module:1: boom\nstack traceback:\n.*in function 'f'\n.*in main chunk\n$"), text)
local ok, how, status, message = a:wait()
equal(ok, nil) equal(how, "exit") equal(status, 1) equal(message, "module:1: boom")`,

	"stdio/nil": `
local a = actor([[
    local text = io.read("*a")
    local ok, e = pcall(function() assert(io.stdout:write("x")) assert(io.stdout:flush()) end)
    parent:send{ read = text, wrote = ok, e = tostring(e) }]], { init = { script = "" } })
local got = a:receive()
equal(got.read, "") equal(got.wrote, false) check(got.e:find("Broken pipe"), got.e)
local a = actor("", { init = { script = "C.write(1, 'x')" } })
local _, how, number = a:wait()
equal(how, "signal") equal(number, 13)`,
	"stdio/descriptors": `
local input, to = unix.pipe()
local from, output = unix.pipe()
local a = actor("io.write(io.read('*a'):upper())", { stdin = input, stdout = output })
input:close() output:close() -- still ours
to:write("hello") to:close()
equal(from:read(100), "HELLO") equal(from:read(100), nil)`,

	"channel/members": `
local a = actor("inbox:receive()")
equal(getmetatable(a), "ipc_actor_channel")
check(a.child_pid > 0)
expect_failure("bad_index", nil, function() return a.foo end)
expect_failure("bad_index", nil, function() return a[1] end)
check(not pcall(function() a.foo = 1 end))
expect_failure("EINVAL", 2, a.kill, a, "x")
expect_failure("EINVAL", 2, a.kill, a, 1000)
expect_failure("EINVAL", 1, a.send, 1, 1)
a:close() a:close()
expect_failure("EINVAL", nil, function() return a.child_pid end)
expect_failure("channel_closed", nil, a.kill, a)
expect_failure("channel_closed", nil, a.send, a, 1)
expect_failure("channel_closed", nil, a.receive, a)
expect_failure("EINVAL", 1, a.detach, a)`,
	"channel/close": `
local a = actor([[
    local text = inbox:receive()
    local ok, e = pcall(inbox.receive, inbox)
    os.exit(text == "hello" and e.name == "no_senders" and 7)]])
a:send("hello") a:close()
local _, _, status = a:wait()
equal(status, 7)`,
	"channel/kill": `
for _, signal in ipairs{ 9, 15, false } do
    local a = actor([[
        local ffi = require 'ffi'
        ffi.cdef 'void *signal(int, void *);'
        ffi.C.signal(15, ffi.cast('void *', 1)) -- SIG_IGN
        parent:send(1)
        inbox:receive()]])
    a:receive()
    if signal then a:kill(signal) else a:kill() end
    local _, how, number = a:wait()
    equal(how, "signal") equal(number, 9)
    expect_failure("channel_closed", nil, a.send, a, 1)
end
local a = actor("")
a:wait()
expect_failure("ESRCH", nil, a.kill, a, 15)
a:kill()`,
	"channel/detach": `
local a = actor("parent:send(inbox:receive())")
a:detach()
expect_failure("EINVAL", nil, function() return a.child_pid end)
expect_failure("EPERM", nil, a.kill, a)
expect_failure("EINVAL", 1, a.detach, a)
a:send("x")
equal(a:receive(), "x")
equal(a:wait(), true)`,
	"channel/gone": `
local a = actor("")
a:wait()
expect_failure("EPIPE", nil, a.send, a, 1)
expect_failure("no_senders", nil, a.receive, a)`,
	"channel/collected": `
-- Like close: the child sees the end of its input, and goes on.
local r, w = unix.pipe()
actor("local ok, e = pcall(inbox.receive, inbox) io.write(e.name) io.flush()", { stdout = w })
w:close()
collectgarbage() collectgarbage()
equal(r:read(100), "no_senders")`,
	"channel/kill argument": `
local a = actor("inbox:receive()")
for _, wrong in ipairs{ "9", true, {}, 0.5, -1, 65, 0/0, 1/0 } do
    expect_failure("EINVAL", 2, a.kill, a, wrong)
end
check(a.child_pid > 0) -- and nothing has been sent
a:kill(0) -- a signal that is none, and then SIGKILL
local _, how, number = a:wait()
equal(how, "signal") equal(number, 9)`,
	"channel/received": `
local a = actor("parent:send(inbox) inbox:receive()")
local address = a:receive()
equal(getmetatable(address), "ipc_actor_channel")
expect_failure("EPERM", nil, address.kill, address)
expect_failure("EINVAL", 1, address.detach, address)
expect_failure("EINVAL", 1, address.wait, address)
expect_failure("EINVAL", nil, function() return address.child_pid end)
address:send("x")
equal(a:wait(), true)`,
	"script/fails": `
local host, guest = unix.seqpacket_socket.pair()
local a = spawn_vm{ module_source = "",
    subprocess = { init = { script = "C.open('/nonexistent', 0)", arg = guest } } }
guest:close()
equal(host:receive_with_fds(10), "")
local sent, e
repeat sent, e = pcall(a.send, a, 1) until not sent
equal(e.name, "EPIPE")
local ok, how, status, message = a:wait()
equal(how, "signal") equal(status, 13) -- a broken stderr
local a = actor("", { init = { script = "errexit = false; error('x')" } })
ok, how, status, message = a:wait()
equal(how, "exit") equal(status, 1) equal(message, "init.script:1: x")`,

	"descriptors": `
local r, w = unix.pipe()
equal(w:write(""), 0)
equal(w:write("abc"), 3)
equal(r:read(2), "ab") equal(r:read(2), "c") equal(r:read(0), "")
local copy = w:dup() w:close() copy:write("d") copy:close()
equal(r:read(9), "d") equal(r:read(9), nil)
local released = r:release()
for _, method in ipairs{ "dup", "release", "read", "write", "send_with_fds", "receive_with_fds" } do
    expect_failure("EBADF", 1, r[method], r, 1)
    expect_failure("EINVAL", 1, r[method], 1, 1)
end
expect_failure("EINVAL", 2, released.read, released, "x")
expect_failure("EINVAL", 2, released.read, released, -1)
expect_failure("EINVAL", 2, released.write, released, 1)
released:close() released:close() r:close()
local a, b = unix.seqpacket_socket.pair()
local x, y = unix.pipe()
a:send_with_fds("hi", { x, y }) x:close() y:close()
local text, fds = b:receive_with_fds(10)
equal(text, "hi") equal(#fds, 2)
fds[2]:write("through") equal(fds[1]:read(10), "through")
expect_failure("EBUSY", 3, a.send_with_fds, a, "", { x })
expect_failure("EINVAL", 3, a.send_with_fds, a, "", { 1 })
expect_failure("EINVAL", 3, a.send_with_fds, a, "", 1)
equal(getmetatable(a), "file_descriptor")
expect_failure("ENOENT", 1, unix.open, "/nonexistent")
expect_failure("EINVAL", 2, unix.open, "/dev/null", "x")
expect_failure("EINVAL", 2, unix.open, "/dev/null", {})
expect_failure("EINVAL", 1, unix.open, "/dev/null\0x")
expect_failure("EINVAL", 1, unix.open, 1)
unix.open("/dev/null", "w"):write("x")`,
	"messages/refused": `
local a = actor("inbox:receive()")
local closed = unix.pipe() closed:close()
local address = actor("parent:send(inbox) inbox:receive()"):receive() address:close()
local cycle = {} cycle.x = cycle
local function refuse(name, value, text)
    local e = expect_failure(name, 2, a.send, a, value)
    check(not text or tostring(e):find(text, 1, true), e)
end
refuse("EINVAL", nil, "a nil cannot be sent")
refuse("EINVAL", print, "a function cannot be sent")
refuse("EINVAL", coroutine.create(print))
refuse("EINVAL", io.stdout)
refuse("EINVAL", {}, "an empty table")
refuse("EINVAL", { [5] = 1 })
refuse("EINVAL", { [true] = 1 })
refuse("EINVAL", setmetatable({ x = 1 }, {}), "a table with a metatable cannot be sent")
refuse("EINVAL", cycle, "nested deeper than 32 levels")
refuse("EINVAL", { a = { 1, print } }, 'message["a"][2]: a function cannot be sent')
refuse("EINVAL", message.map{ [print] = 1 }, "a function cannot be a key")
refuse("EINVAL", require'ffi'.new("int", 1), "a cdata")
refuse("EBUSY", closed, "closed")
refuse("EBUSY", { closed })
refuse("EBUSY", { x = address })
refuse("EINVAL", ("x"):rep(64 * 2^20), "too large")
a:send({ 1, [0] = "skipped", x = "sent" }) -- the channel has survived all of this
equal(a:wait(), true)`,
	"messages/marks": `
for _, wrong in ipairs{ 1, "x", false, inbox, print } do
    expect_failure("EINVAL", 1, message.array, wrong)
    expect_failure("EINVAL", 1, message.map, wrong)
end
expect_failure("EINVAL", 1, message.array)`,
	"messages/values": `
local echo = actor("while true do parent:send(inbox:receive()) end")
local function same(value) echo:send(value) return echo:receive() end
for _, value in ipairs{ true, false, 0, 1, -1, 23, 24, 255, 256, 65535, 65536,
    2^32, 2^53, -2^53, 2^60, -2^60, 1e300, 0.5, -0.1, 1/0, -1/0,
    "", "text", "\0\255", ("x"):rep(256), ("x"):rep(100000) } do
    equal(same(value), value)
    equal(same{ value = value }.value, value)
    equal(same{ value }[1], value)
end
local nan = same(0/0) check(nan ~= nan)
equal(1 / same(-0.0), -1/0)
equal(same(2LL^62), 2LL^62) equal(same(-2LL^62), -2LL^62) equal(same(2ULL^63), 2ULL^63)
equal(#same(message.array{}), 0)
local marked = same(message.map{ [1] = "a", [true] = "b", x = "c", [0.5] = "d" })
equal(marked[1], "a") equal(marked[true], "b") equal(marked.x, "c") equal(marked[0.5], "d")
equal(same(marked)[1], "a") -- and is marked itself
equal(next(same(same(message.map{}))), nil)
local nested = same{ a = { b = { 1, { c = "x" }, 3 } } }
equal(nested.a.b[2].c, "x") equal(#nested.a.b, 3)
local many = {} for i = 1, 1000 do many["key" .. i] = i end
local got = same(many) for key, value in pairs(many) do equal(got[key], value) end
local skipped = same{ x = 1, [1] = 2 } equal(skipped[1], nil) equal(skipped.x, 1)`,
	"messages/descriptors": `
local echo = actor("while true do parent:send(inbox:receive()) end")
local r, w = unix.pipe()
echo:send{ to = w, n = 1, big = ("x"):rep(100000) }
w:close() -- the actor and the message have their own
local got = echo:receive()
got.to:write("through") got.to:close()
equal(r:read(100), "through")
echo:send(inbox)
local address = echo:receive()
address:send("to myself")
equal(inbox:receive(), "to myself")
address:close()
for _, wrap in ipairs{ function(x) return x end, function(x) return { value = x } end } do
    local function back(x)
        echo:send(wrap(x))
        local got = echo:receive()
        return type(got) == "table" and got.value or got
    end
    local from, to = unix.pipe()
    back(to):write("x")
    equal(from:read(1), "x")
    local mine = back(inbox)
    back(mine):send("through another one")
    equal(inbox:receive(), "through another one")
end
local list = {} for i = 1, 252 do list[i] = r end
echo:send(list) equal(#echo:receive(), 252)
list[253] = r expect_failure("EINVAL", 2, echo.send, echo, list)`,
	"messages/finalizers": `
-- While a message is being decoded, finalizers run. They cannot take away what it is decoded from.
local echo = actor("while true do parent:send(inbox:receive()) end")
local refused = 0
local function trap()
    getmetatable(newproxy(true)).__gc = function()
        for _, f in ipairs{ echo.close, echo.kill, echo.receive } do
            local ok, e = pcall(f, echo)
            if not ok and e.name == "EBUSY" and e.arg == 1 then refused = refused + 1 end
        end
        if not done then trap() end
    end
end
local list = {}
for i = 1, 50000 do list[i] = "string " .. i end
echo:send(list)
list = nil -- or its strings would not have to be made
collectgarbage()
collectgarbage("setpause", 0)
trap()
local got = echo:receive()
done = true
equal(#got, 50000)
for i = 1, #got do equal(got[i], "string " .. i) end
check(refused >= 3, refused)`,
	"inbox": `
expect_failure("no_senders", nil, inbox.receive, inbox)
expect_failure("bad_index", nil, function() return inbox.foo end)
equal(getmetatable(inbox), "inbox")`,
	"pcall": `
equal(select(2, pcall(error, "x")), "x")
equal(select(2, xpcall(function() error("x", 0) end, function(e) return e .. "y" end)), "xy")
local co = coroutine.wrap(function()
    expect_failure("EINVAL", 1, spawn_vm, 1)
    return actor("parent:send(1)"):receive()
end)
equal(co(), 1)`,
}

func TestPrograms(t *testing.T) {
	for name, program := range programs {
		t.Run(name, func(t *testing.T) {
			if name == "options/namespaces" {
				requireUserNamespaces(t)
			}
			mustRun(t, program)
		})
	}
}

func requireUserNamespaces(t *testing.T) {
	t.Helper()
	var refusal *initscript.NamespaceError
	err := (&initscript.Cmd{Namespaces: initscript.NewUser}).Run()
	if errors.As(err, &refusal) && os.Getenv("INITSCRIPT_MUST_WORK") != "1" {
		t.Skip("namespaces are not available: " + err.Error())
	} else if err != nil {
		t.Fatal(err)
	}
}

func TestOpenTwice(t *testing.T) {
	L := newState(t)
	if err := luahost.Open(L); err != nil {
		t.Fatal(err)
	}
	if err := runIn(t, L, `equal(actor("parent:send(1)"):receive(), 1)`); err != nil {
		t.Error(err)
	}
}

func TestOpenWithoutLibraries(t *testing.T) {
	L := lua.NewState()
	defer L.Close()
	if err := luahost.Open(L); err == nil || !strings.Contains(err.Error(), "standard libraries") {
		t.Errorf("got %v", err)
	}
}

func TestRunErrors(t *testing.T) {
	L := newState(t)
	var failed *luahost.ProgramError
	if err := luahost.Run(L, "/nonexistent.lua"); !errors.As(err, &failed) ||
		!strings.Contains(failed.Message, "cannot open /nonexistent.lua") {
		t.Errorf("missing: %v", err)
	}
	for program, want := range map[string]string{
		"x = = 1": "app.lua:1: unexpected symbol",
		"local function f() error'boom' end\nf()": "app.lua:1: boom\nstack traceback:",
		"error{}": "(error object is a table value)",
		"error(setmetatable({}, {__tostring=function() return 'mine' end}))": "mine\nstack traceback:",
		"spawn_vm(1)": "app.lua:1: spawn_vm: argument 1: table expected",
	} {
		if err := runIn(t, L, program); !errors.As(err, &failed) ||
			!strings.Contains(failed.Message, want) {
			t.Errorf("%q: got %v, want %q", program, err, want)
		}
	}
}

// What is wrong with the options is found before there is any process, the fork server included.
func TestWrongOptionsStartNothing(t *testing.T) {
	const marker = "INITSCRIPT_TEST_SUBPROCESS"
	if os.Getenv(marker) != t.Name() {
		cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), marker+"="+t.Name())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	for name, program := range programs {
		if strings.HasPrefix(name, "options/order") || name == "module/missing" ||
			name == "options/init" || name == "options/stdio" {
			mustRun(t, program)
		}
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("there are children: %v", err)
	}
}

// A child that was detached outlives the state, and the others do not.
func TestCloseLeavesDetached(t *testing.T) {
	L := lua.NewState()
	L.OpenLibs()
	if err := luahost.Open(L); err != nil {
		t.Fatal(err)
	}
	var to, from, control [2]int
	for _, pipe := range []*[2]int{&to, &from, &control} {
		if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
	}
	err := runIn(t, L, fmt.Sprintf(`
local function at(fd, mode) return unix.open("/dev/fd/" .. fd, mode) end
actor("io.write(io.read('*a'):upper())", { stdin = at(%d, "r"), stdout = at(%d, "w") }):detach()
actor("inbox:receive()", { stdout = at(%d, "w") })`, to[0], from[1], control[1]))
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(from[1])
	unix.Close(control[1])
	L.Close()
	text := make([]byte, 100)
	if n, _ := unix.Read(control[0], text); n != 0 {
		t.Error("the other child goes on")
	}
	unix.Write(to[1], []byte("still here"))
	unix.Close(to[1])
	if n, err := unix.Read(from[0], text); err != nil || string(text[:max(n, 0)]) != "STILL HERE" {
		t.Errorf("%q, %v", text[:max(n, 0)], err)
	}
	unix.Close(to[0])
	unix.Close(from[0])
	unix.Close(control[0])
}

// A state that is closed takes its children along.
func TestCloseKills(t *testing.T) {
	L := lua.NewState()
	L.OpenLibs()
	if err := luahost.Open(L); err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	err = runIn(t, L, `
local a = actor("inbox:receive()", { stdout = unix.open("/dev/fd/`+fdText(writer)+`", "w") })
local b = actor("inbox:receive()", { stdout = unix.open("/dev/fd/`+fdText(writer)+`", "w") })
b:close() b = nil collectgarbage() collectgarbage()`)
	writer.Close()
	if err != nil {
		t.Fatal(err)
	}
	L.Close()
	if n, _ := reader.Read(make([]byte, 1)); n != 0 { // the end: nobody holds the other end
		t.Errorf("read %d bytes", n)
	}
}

func TestNamespaceErrors(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may do it") // the suite runs as an ordinary user, too
	}
	mustRun(t, `expect_failure("EPERM", nil, spawn_vm, { subprocess = { newns_net = true } })`)
}

func fdText(file *os.File) string { return strconv.Itoa(int(file.Fd())) }
