-- Takes the network away from a program, as any user:
--
--     initscript run --env PATH=/usr/bin:/bin lua/recipes/no-network.lua -- make test
--
-- What runs is in a network namespace of its own, in which nothing is up: it reaches no address,
-- not even 127.0.0.1, and none of the host's abstract sockets. It keeps its user id and its files.
-- It has no capabilities and cannot get any.
--
-- It can still connect to sockets that are files, and a daemon behind one may have a network.
--
-- Emilua runs this script too.

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
drop_capabilities()
set_no_new_privs()
