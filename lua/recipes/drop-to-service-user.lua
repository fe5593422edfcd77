-- Turns root into a service user that has kept one capability, here that for ports below 1024:
--
--     initscript run lua/recipes/drop-to-service-user.lua -- /usr/sbin/httpd
--
-- What runs has the ids and the capability given below, as if they had always been its own. It
-- cannot become root again by anything that it executes, and no other capability is to be had,
-- for it and for all its children.
--
-- It still sees all files, processes and networks that any user of the host sees.
--
-- Beyond Emilua: C.keyctl.

local UID, GID = 65534, 65534 -- a user that has nothing else is better than nobody
local GROUPS = {} -- supplementary
local KEEP = "cap_net_bind_service" -- several are separated by commas
local DIRECTORY = "/"

-- Closes the file at once: a program that the script executes itself would have it open.
local function read_file(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
end

local function capability_set(name)
    local status = read_file("/proc/self/status")
    return tonumber(status:match("\n" .. name .. ":%s+(%x+)"), 16)
end

local function has(set, capability)
    return math.floor(set / 2 ^ capability) % 2 == 1 -- the functions of bit end at 32
end

-- What is kept is the only inheritable one, which tells its number.
local function reduce_bounding_set()
    local kept = capability_set("CapInh")
    local last = tonumber(read_file("/proc/sys/kernel/cap_last_cap"))
    for capability = 0, last do
        if not has(kept, capability) then
            C.cap_drop_bound(tostring(capability))
        end
    end
end

local function each_kept(f, ...)
    for name in KEEP:gmatch("[^,]+") do
        f(name, ...)
    end
end

-- Who has the caller's session keyring reads the keys in it, as any user. A new one, of the new
-- user's, takes its place. A kernel without keyrings refuses that with ENOSYS, a filter that the caller
-- has, as in a container, mostly with EPERM. Either refuses it to the program too: it inherits that
-- filter.
local function leave_session_keyring()
    errexit = false
    local _, errno = C.keyctl(C.KEYCTL_JOIN_SESSION_KEYRING)
    errexit = true
    if errno ~= 0 and errno ~= C.ENOSYS and errno ~= C.EPERM then
        error("no session keyring of its own: errno " .. errno, 0)
    end
end

-- Root's right to everything, the loss of capabilities when user ids change, and ambient
-- capabilities to come: all off, for good. KEEP_CAPS stays off.
local SECUREBITS = bit.bor(
    C.SECBIT_NOROOT, C.SECBIT_NOROOT_LOCKED,
    C.SECBIT_NO_SETUID_FIXUP, C.SECBIT_NO_SETUID_FIXUP_LOCKED,
    C.SECBIT_KEEP_CAPS_LOCKED,
    C.SECBIT_NO_CAP_AMBIENT_RAISE, C.SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

-- While they are needed: CAP_SETPCAP for the bounding set and securebits, the others for the ids.
C.cap_set_proc(KEEP .. ",cap_setpcap,cap_setuid,cap_setgid=ep " .. KEEP .. "+i")
reduce_bounding_set()

C.cap_set_secbits(C.SECBIT_NO_SETUID_FIXUP) -- or the next but two would drop all capabilities
C.setgroups(GROUPS)
C.setresgid(GID, GID, GID)
C.setresuid(UID, UID, UID)
leave_session_keyring()
C.chdir(DIRECTORY)

-- Ambient capabilities are what execve(2) leaves to a user who is not root.
C.cap_reset_ambient()
each_kept(C.cap_set_ambient, true)
C.cap_set_secbits(SECUREBITS)
C.cap_set_proc(KEEP .. "=eip")
set_no_new_privs()
