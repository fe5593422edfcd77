-- Asks the parent, at the other end of arg, to write the id maps of this process's user namespace.

local WRITE = bit.bor(C.O_WRONLY, C.O_CLOEXEC)

-- The files are opened here, so the parent need not find this process by its id, and also one
-- that sees another /proc, or none, can write them.
local function send_map(name)
    send_with_fd(arg, name, C.open("/proc/self/" .. name, WRITE))
end

-- A parent without privileges may write gid_map only when setgroups(2) is disabled.
C.write(C.open("/proc/self/setgroups", WRITE), "deny")
send_map("uid_map")
send_map("gid_map")

-- Until now every user id of this process reads as the overflow id, 65534.
if C.read(arg, 1) ~= "." then
    error("the parent has not written the maps")
end
