-- Step 7: with --ns user,mount,uts,pid,net,ipc no network, and with --arg-file fewer system calls.

local TMPFS_FLAGS = bit.bor(C.MS_NOSUID, C.MS_NODEV)

-- Where the new root hangs until it is the root.
local NEW_ROOT = "/tmp"

-- Shows what is at SOURCE of the host, read-only, at TARGET.
local function show(source, target)
    C.mount(source, target, nil, bit.bor(C.MS_BIND, C.MS_REC), nil)
    local attributes = { attr_set = bit.bor(C.MOUNT_ATTR_RDONLY, C.MOUNT_ATTR_NOSUID) }
    C.mount_setattr(C.AT_FDCWD, target, C.AT_RECURSIVE, attributes)
end

local function make_root()
    C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE), nil)
    C.mount("tmpfs", NEW_ROOT, "tmpfs", TMPFS_FLAGS, "mode=0755")
    C.chdir(NEW_ROOT) -- paths without a leading slash are in the new root from here on
end

local function make_programs()
    C.mkdir("usr", mode(7, 5, 5))
    show("/usr", "usr")
    for _, name in ipairs({ "bin", "sbin", "lib", "lib64" }) do
        C.symlink("usr/" .. name, name)
    end
end

local function make_tmp()
    C.mkdir("tmp", mode(7, 7, 7))
    C.mount("tmpfs", "tmp", "tmpfs", TMPFS_FLAGS, "mode=1777")
end

-- A user namespace cannot make device nodes, but it can show those of the host.
local function make_devices()
    C.mkdir("dev", mode(7, 5, 5))
    for _, name in ipairs({ "null", "zero", "random", "urandom" }) do
        C.mknod("dev/" .. name, mode(6, 6, 6), 0) -- an empty file to mount on
        show("/dev/" .. name, "dev/" .. name)
    end
end

-- Shows the processes of this PID namespace only. Read-only, as some of its files change the machine.
local function make_proc()
    C.mkdir("proc", mode(7, 5, 5))
    local flags = bit.bor(C.MS_NOSUID, C.MS_NODEV, C.MS_NOEXEC)
    C.mount("proc", "proc", "proc", bit.bor(flags, C.MS_RDONLY), nil)
end

-- The old root ends up on top of the new one, and is detached. Then the new one becomes read-only.
local function enter_root()
    C.pivot_root(".", ".")
    C.umount2(".", C.MNT_DETACH)
    local flags = bit.bor(C.MS_REMOUNT, C.MS_BIND, C.MS_RDONLY, TMPFS_FLAGS)
    C.mount(nil, "/", nil, flags, nil)
end

-- Root of a user namespace has all capabilities in it. The bounding set goes first: it is what user
-- id 0 would get back at execve(2), and emptying it takes a capability.
local function drop_capabilities()
    local last = assert(io.open("/proc/sys/kernel/cap_last_cap")):read("*n")
    for capability = 0, last do
        C.cap_drop_bound(tostring(capability))
    end
    C.cap_set_proc("=")
end

-- Who has the caller's session keyring reads the keys in it. A new one takes its place, and the policy
-- keeps the program from the others. Where there is none, or the filter of a container refuses this, the
-- program cannot use keys either.
local function leave_keyrings()
    errexit = false
    local _, errno = C.keyctl(C.KEYCTL_JOIN_SESSION_KEYRING)
    errexit = true
    if errno ~= 0 and errno ~= C.ENOSYS and errno ~= C.EPERM then
        error("no session keyring of its own: errno " .. errno)
    end
end

-- arg is the file of --arg-file: the policy, compiled by initscript seccomp compile.
local function filter_system_calls()
    local filter = C.read(arg, 32768) -- no filter is larger
    C.seccomp_set_mode_filter(filter)
end

make_root()
make_programs()
make_tmp()
make_devices()
make_proc()
enter_root()
C.sethostname("box")
drop_capabilities()
set_no_new_privs()
leave_keyrings()
filter_system_calls()
