-- Puts a Lua program into six new namespaces, below a root directory with nothing in it but that
-- program, and talks to it. No privileges are needed. Run it with
--
--     initscript host examples/lua-namespaces/namespaces.lua

local ffi = require "ffi"
ffi.cdef "unsigned getuid(void); unsigned getgid(void);"

-- What runs in the sandbox. It is written there through a descriptor; no path leads from here to
-- there.
local program = [==[
local ffi = require "ffi"
ffi.cdef[[
struct ipv4_address { uint16_t family, port; uint8_t address[4], padding[8]; };
struct capabilities { uint32_t effective, permitted, inheritable; };
int getpid(void);
int gethostname(char *name, size_t size);
int socket(int domain, int type, int protocol);
int connect(int socket, const struct ipv4_address *address, unsigned size);
int capget(uint32_t *header, struct capabilities *sets);
]]

local function hostname()
    local name = ffi.new("char[64]")
    ffi.C.gethostname(name, 64)
    return ffi.string(name)
end

-- Connecting a datagram socket only looks for a route: there is one if the interface is up.
local function has_loopback()
    local AF_INET, SOCK_DGRAM = 2, 2
    local socket = ffi.C.socket(AF_INET, SOCK_DGRAM, 0)
    local address = ffi.new("struct ipv4_address", { AF_INET, 9, { 127, 0, 0, 1 } })
    return ffi.C.connect(socket, address, ffi.sizeof(address)) == 0
end

local function has_capabilities()
    local VERSION_3 = 0x20080522
    local sets = ffi.new("struct capabilities[2]")
    ffi.C.capget(ffi.new("uint32_t[2]", { VERSION_3, 0 }), sets)
    return sets[0].permitted ~= 0 or sets[1].permitted ~= 0
end

local request = inbox:receive()
request.reply_to:send{
    greeting = "hello, " .. request.name,
    pid = ffi.C.getpid(),
    hostname = hostname(),
    loopback = has_loopback(),
    capabilities = has_capabilities(),
    sees_host = io.open("/etc/passwd") ~= nil,
}
]==]

-- Runs in the new process, before the program. At the other end of arg is this file.
local script = [==[
local WRITE = bit.bor(C.O_WRONLY, C.O_CLOEXEC)

local function wait_for_host()
    if C.read(arg, 1) ~= "." then error("the host has given up") end
end

-- A parent without privileges may write gid_map only when setgroups(2) is disabled.
C.write(C.open("/proc/self/setgroups", WRITE), "deny")
send_with_fd(arg, "uid_map", C.open("/proc/self/uid_map", WRITE))
send_with_fd(arg, "gid_map", C.open("/proc/self/gid_map", WRITE))
wait_for_host()

send_with_fd(arg, "user", C.open("/proc/self/ns/user", C.O_RDONLY))
send_with_fd(arg, "net", C.open("/proc/self/ns/net", C.O_RDONLY))
wait_for_host()

C.sethostname("box")

-- With "." for both, the old root ends up on top of the new one, and is taken away from there.
C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE), nil)
C.mount("tmpfs", "/tmp", "tmpfs", bit.bor(C.MS_NOSUID, C.MS_NODEV), "mode=0755")
C.chdir("/tmp")
C.pivot_root(".", ".")
C.umount2(".", C.MNT_DETACH)
C.chdir("/")

local flags = bit.bor(C.O_CREAT, C.O_EXCL, WRITE)
local file = C.open("/app.lua", flags, mode(6, 0, 0))
send_with_fd(arg, "app.lua", file)
wait_for_host()
C.close(file) -- what can be written through keeps a mount from becoming read-only
C.mount(nil, "/", nil, bit.bor(C.MS_REMOUNT, C.MS_BIND, C.MS_RDONLY), nil)

set_no_new_privs()
C.cap_set_proc("=")
]==]

-- Enters the namespaces that arrive through arg, and becomes ip(8) there. The user namespace comes
-- first: the right to enter what belongs to it is to be had there.
local enter = [==[
for _, kind in ipairs{ C.CLONE_NEWUSER, C.CLONE_NEWNET } do
    local _, namespace = receive_with_fd(arg, 16)
    C.setns(namespace, kind)
end
errexit = false
for _, directory in ipairs{ "/usr/sbin", "/sbin", "/usr/bin", "/bin" } do
    C.execve(directory .. "/ip", { "ip", "link", "set", "lo", "up" }, {})
end
error("ip(8) was not found")
]==]

local host, guest = unix.seqpacket_socket.pair()

-- Returns the descriptor that the script sends under this name.
local function expect(name)
    local got, fds = host:receive_with_fds(16)
    if got ~= name or #fds ~= 1 then
        error(("the script has ended before it has sent %s"):format(name))
    end
    return fds[1]
end

local function go_on() host:write(".") end

local function write_map(name, id)
    local map = expect(name)
    map:write(("0 %d 1"):format(id))
    map:close()
end

local function bring_up_loopback(namespaces)
    local near, far = unix.seqpacket_socket.pair()
    local helper = spawn_vm{ subprocess = { stderr = "share", init = { script = enter, arg = far } } }
    far:close()
    for _, namespace in ipairs(namespaces) do
        near:send_with_fds(".", { namespace })
        namespace:close()
    end
    local ok, _, status, message = helper:wait()
    if not ok then error(message or "ip has ended with status " .. status) end
end

local child = spawn_vm{
    module = filesystem.path.new("/app.lua"),
    subprocess = {
        newns_user = true, newns_mount = true, newns_pid = true,
        newns_net = true, newns_uts = true, newns_ipc = true,
        stdout = "share", stderr = "share",
        init = { script = script, arg = guest },
    },
}
guest:close()

write_map("uid_map", ffi.C.getuid())
write_map("gid_map", ffi.C.getgid())
go_on()

bring_up_loopback{ expect("user"), expect("net") }
go_on()

local file = expect("app.lua")
file:write(program)
file:close()
go_on()

child:send{ name = "box", reply_to = inbox }
local answer = inbox:receive()
print(answer.greeting)
for _, what in ipairs{ "pid", "hostname", "loopback", "capabilities", "sees_host" } do
    print(what, answer[what])
end

local ok, _, _, message = child:wait()
if not ok then error(message or "the program has failed") end
