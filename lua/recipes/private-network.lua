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

-- Interfaces are changed by messages to the kernel, see rtnetlink(7). The table C does not know these
-- numbers.
local AF_NETLINK, SOCK_RAW, NETLINK_ROUTE = 16, 3, 0
local RTM_NEWLINK, NLM_F_REQUEST, NLM_F_ACK = 16, 0x1, 0x4
local IFF_UP = 0x1
ffi.cdef([[
    struct nlmsghdr { uint32_t length; uint16_t type, flags; uint32_t sequence, port; };
    struct ifinfomsg { uint8_t family, padding; uint16_t type; int32_t index; uint32_t flags, change; };
    struct link_request { struct nlmsghdr header; struct ifinfomsg link; };
    struct link_answer { struct nlmsghdr header; int32_t error; };
]])

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

-- Nothing else is in a new network than the interface "lo", with the index 1. The kernel gives it its
-- addresses when it comes up.
local function bring_up_loopback()
    local socket = C.socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
    local request = ffi.new("struct link_request")
    request.header.length = ffi.sizeof(request)
    request.header.type = RTM_NEWLINK
    request.header.flags = bit.bor(NLM_F_REQUEST, NLM_F_ACK)
    request.link.index = 1
    request.link.flags = IFF_UP
    request.link.change = IFF_UP
    C.write(socket, ffi.string(request, ffi.sizeof(request)))
    local bytes = C.read(socket, 4096)
    local answer = ffi.cast("const struct link_answer *", bytes)
    if answer.error ~= 0 then
        error("bring up the loopback interface: errno " .. -answer.error)
    end
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
bring_up_loopback()
drop_capabilities()
set_no_new_privs()
