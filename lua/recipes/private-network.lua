-- Gives a program a network of its own that is nothing but 127.0.0.1 and ::1, as any user:
--
--     initscript run --env PATH=/usr/bin:/bin lua/recipes/private-network.lua -- make test
--
-- What runs, with all its children, can serve on any free port above 1023 and connect there. It
-- reaches nothing else, and nobody else reaches it. It keeps its user id and its files. It has no
-- capabilities and cannot get any, so it cannot change its network either.
--
-- It can still connect to sockets that are files, and a daemon behind one may have a network.
--
-- Emilua runs this script too, in releases that have C.socket.

local ffi = require("ffi")

-- ioctl(2) and struct ifreq, see netdevice(7). The table C has no ioctl, as its arguments may be
-- anything.
ffi.cdef([[
    struct interface_request {
        char name[16];
        short flags;
        char rest[22];
    };
    int ioctl(int fd, unsigned long request, ...);
    char *strerror(int number);
]])
local SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
local IFF_UP = 0x1

-- Closes the file at once: a program that the script executes itself would have it open.
local function read_file(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
end

-- The effective ids. In a new user namespace they cannot be read any more.
local function own_ids()
    local status = read_file("/proc/self/status")
    return status:match("\nUid:%s+%d+%s+(%d+)"), status:match("\nGid:%s+%d+%s+(%d+)")
end

-- The kernel takes a map in one piece only.
local function write_file(path, text)
    C.write(C.open(path, bit.bor(C.O_WRONLY, C.O_CLOEXEC)), text)
end

-- In a user namespace anybody may make the other kinds. What root could do here without one, it
-- could undo: enter the old network again.
local function new_namespaces(kinds)
    local uid, gid = own_ids()
    C.unshare(bit.bor(C.CLONE_NEWUSER, kinds))
    write_file("/proc/self/setgroups", "deny") -- the kernel's condition for the next but one
    write_file("/proc/self/uid_map", uid .. " " .. uid .. " 1")
    write_file("/proc/self/gid_map", gid .. " " .. gid .. " 1")
end

-- errexit is for the functions of C only.
local function ioctl(fd, request, argument)
    if ffi.C.ioctl(fd, request, argument) == -1 then
        error("ioctl: " .. ffi.string(ffi.C.strerror(ffi.errno())), 2)
    end
end

-- The kernel gives the addresses to the interface when it comes up.
local function bring_up(interface)
    local socket = C.socket(C.AF_INET, C.SOCK_DGRAM, 0) -- any will do to ask the kernel
    local request = ffi.new("struct interface_request", { name = interface })
    ioctl(socket, SIOCGIFFLAGS, request)
    request.flags = bit.bor(request.flags, IFF_UP)
    ioctl(socket, SIOCSIFFLAGS, request)
    C.close(socket) -- or a program that the script executes itself would have it
end

-- The bounding set first, as that needs a capability: it is what user id 0 would get at execve(2).
local function drop_capabilities()
    local last = tonumber(read_file("/proc/sys/kernel/cap_last_cap"))
    for capability = 0, last do
        C.cap_drop_bound(tostring(capability))
    end
    C.cap_reset_ambient()
    C.cap_set_proc("=")
end

new_namespaces(C.CLONE_NEWNET)
bring_up("lo")
drop_capabilities()
set_no_new_privs()
