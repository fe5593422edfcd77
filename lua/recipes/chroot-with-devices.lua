-- A root directory for one program, with device nodes in it; this takes root:
--
--     initscript run --ns pid,ipc --env PATH=/usr/bin:/bin lua/recipes/chroot-with-devices.lua -- \
--         /bin/sh
--
-- What runs sees the host's /usr, read-only, a few harmless devices, and an empty /tmp; no /proc
-- and no /etc. It is a user without any right, and that keeps it there: chroot(2) alone holds
-- nobody who has CAP_SYS_CHROOT. Without the PID namespace it could reach the host through
-- processes of the same user, so this refuses to run there. The mount namespace it makes itself:
-- the host sees none of its mounts.
--
-- It still has the network of the host.
--
-- Beyond Emilua: C.keyctl.

local UID, GID = 65534, 65534 -- a user that has nothing else is better than nobody
local READ_ONLY_TREES = { "usr" }
-- On systems with a merged /usr these are symbolic links into it.
local PROGRAM_DIRECTORIES = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" }
-- Major and minor numbers, as in the kernel's devices.txt.
local DEVICES = {
    null = { 1, 3 }, zero = { 1, 5 }, full = { 1, 7 }, random = { 1, 8 }, urandom = { 1, 9 },
    tty = { 5, 0 },
}

-- Where the new root is mounted; any directory that every host has will do.
local NEW_ROOT = "/tmp"

local READ_ONLY_REMOUNT = bit.bor(C.MS_REMOUNT, C.MS_BIND, C.MS_RDONLY)

-- Closes the file at once: a program that the script executes itself would have it open.
local function read_file(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
end

local function mount_tmpfs(target, flags, permissions)
    C.mount("tmpfs", target, "tmpfs", flags, "mode=" .. permissions)
end

-- In a PID namespace below that of /proc a process has more ids than one.
local function require_own_namespaces()
    if not read_file("/proc/self/status"):match("\nNSpid:%s+%d+%s+%d") then
        error("not in a PID namespace of its own: run this with --ns pid,ipc", 0)
    end
end

-- From here on paths without a leading slash are in the new root, which is empty: nobody can have
-- put a symbolic link into the way.
local function make_root()
    C.unshare(C.CLONE_NEWNS)
    C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE), nil)
    mount_tmpfs(NEW_ROOT, C.MS_NOSUID, "0755") -- not MS_NODEV: its device nodes shall work
    C.chdir(NEW_ROOT)
end

-- One mount, without those below it. A bind mount takes over the flags of its source, so it has to
-- be made read-only in a second step.
local function bind_readonly(source, target)
    C.mkdir(target, mode(7, 5, 5))
    C.mount(source, target, nil, C.MS_BIND, nil)
    C.mount(nil, target, nil, bit.bor(READ_ONLY_REMOUNT, C.MS_NOSUID, C.MS_NODEV), nil)
end

local function make_programs()
    for _, name in ipairs(READ_ONLY_TREES) do
        bind_readonly("/" .. name, name)
    end
    for _, name in ipairs(PROGRAM_DIRECTORIES) do
        local flags = bit.bor(C.O_PATH, C.O_DIRECTORY, C.O_NOFOLLOW, C.O_CLOEXEC)
        errexit = false
        local _, errno = C.open("/" .. name, flags)
        errexit = true
        if errno == C.ENOTDIR then -- a symbolic link
            C.symlink("usr/" .. name, name)
        elseif errno == 0 then
            bind_readonly("/" .. name, name)
        end
    end
end

local function make_devices()
    C.mkdir("dev", mode(7, 5, 5))
    for name, number in pairs(DEVICES) do
        C.mknod("dev/" .. name, bit.bor(C.S_IFCHR, mode(6, 6, 6)), C.makedev(number[1], number[2]))
    end
end

-- What the steps after this one need.
local REST = "cap_sys_chroot,cap_sys_admin,cap_setgid,cap_setuid=ep"

-- While there is a /proc, where libcap may look for other threads. The bounding set first, as that
-- needs a capability.
local function reduce_capabilities()
    local last = tonumber(read_file("/proc/sys/kernel/cap_last_cap"))
    for capability = 0, last do
        C.cap_drop_bound(tostring(capability))
    end
    C.cap_set_secbits(0) -- or leaving user id 0 might not drop the rest
    C.cap_set_proc(REST)
end

local function enter_root()
    C.chroot(".")
    C.chdir("/") -- the working directory would be a way out
    C.mount(nil, "/", nil, bit.bor(READ_ONLY_REMOUNT, C.MS_NOSUID, C.MS_NOEXEC), nil)
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

-- Leaving user id 0 drops the capabilities that are left.
local function become_user()
    C.setgroups({})
    C.setresgid(GID, GID, GID)
    C.setresuid(UID, UID, UID)
    leave_session_keyring()
    set_no_new_privs()
end

require_own_namespaces()
C.umask(0) -- the modes are meant as they are written
make_root()
make_programs()
make_devices()
C.mkdir("tmp", mode(7, 7, 7))
mount_tmpfs("tmp", bit.bor(C.MS_NOSUID, C.MS_NODEV), "1777")
C.umask(mode(0, 2, 2))
reduce_capabilities()
enter_root()
become_user()
