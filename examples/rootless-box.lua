-- A container-like box, built by an ordinary user without root:
--
--     initscript run --ns user,mount,pid,net,uts,ipc --map-root \
--         --env PATH=/usr/bin:/bin examples/rootless-box.lua -- /bin/sh
--
-- What runs in it sees a root of its own: the host's programs, libraries and /etc, all of them
-- read-only; a private and empty /tmp; its own processes; a few harmless devices; no network. Its
-- user id 0 is the caller's id outside. It has no capabilities and cannot get any, and no key that the
-- kernel keeps for the caller.
--
-- Root can build it too, but it is made for others: then user id 0 is that of the host, which may
-- read every file of root's below /usr and /etc.
--
-- Every call that fails ends the script, and then nothing runs: a half-built box is no box.

local READ_ONLY_TREES = { "usr", "etc" }
-- On systems with a merged /usr these are symbolic links into it.
local PROGRAM_DIRECTORIES = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" }
local DEVICES = { "null", "zero", "full", "random", "urandom", "tty" }

-- Where the new root hangs until it is the root; any directory that every host has will do.
local NEW_ROOT = "/tmp"

local TMPFS_FLAGS = bit.bor(C.MS_NOSUID, C.MS_NODEV)
local PROC_FLAGS = bit.bor(C.MS_NOSUID, C.MS_NODEV, C.MS_NOEXEC)
local READ_ONLY_REMOUNT = bit.bor(C.MS_REMOUNT, C.MS_BIND, C.MS_RDONLY)

-- Calls f, which may fail with one of the errno values in tolerated. Results are those of f. After
-- any other failure it is called once more, which ends the script in the usual way.
local function try(tolerated, f, ...)
    errexit = false
    local result, errno = f(...)
    errexit = true
    if errno == 0 then
        return result, errno
    end
    for _, value in ipairs(tolerated) do
        if errno == value then
            return result, errno
        end
    end
    return f(...)
end

-- The steps below are safe in namespaces of our own only; among them is one that would turn off
-- user namespaces for the whole host.
local function require_own_namespaces()
    local map = assert(io.open("/proc/self/uid_map")):read("*a")
    if not map:match("^%s*0%s+%d+%s+1%s*$") then
        error("not in a user namespace of its own: run this with --ns user,... --map-root", 0)
    end
    -- In somebody else's mount, pid or uts namespace a later step fails. These two would be shared
    -- silently. To enter a namespace, even again, one must have CAP_SYS_ADMIN in its owner.
    for _, name in ipairs({ "net", "ipc" }) do
        C.setns(C.open("/proc/self/ns/" .. name, bit.bor(C.O_RDONLY, C.O_CLOEXEC)), 0)
    end
end

-- For kernels without mount_setattr(2), which came with Linux 5.12. A remount changes one mount,
-- so those below the target need one each, and it may not take away the flags that the owner of
-- the host's mounts has set, so they are looked up.
local function remount_readonly(target)
    local locked = { nosuid = C.MS_NOSUID, nodev = C.MS_NODEV, noexec = C.MS_NOEXEC }
    for line in io.lines("proc/self/mountinfo") do
        local path, options = line:match("^%S+ %S+ %S+ %S+ (%S+) (%S+)")
        path = path:gsub("\\(%d%d%d)", function(octal)
            return string.char(tonumber(octal, 8))
        end)
        if (path .. "/"):sub(1, #target + 1) == target .. "/" then
            local flags = bit.bor(READ_ONLY_REMOUNT, C.MS_NOSUID)
            for option in options:gmatch("[^,]+") do
                flags = bit.bor(flags, locked[option] or 0)
            end
            C.mount(nil, path, nil, flags, nil)
        end
    end
end

-- Shows source as target. A bind mount takes over the flags of its source, submounts included, so
-- it has to be made read-only in a second step.
local function bind_readonly(source, target)
    C.mount(source, target, nil, bit.bor(C.MS_BIND, C.MS_REC), nil)
    local attributes = { attr_set = bit.bor(C.MOUNT_ATTR_RDONLY, C.MOUNT_ATTR_NOSUID) }
    local _, errno =
        try({ C.ENOSYS }, C.mount_setattr, C.AT_FDCWD, target, C.AT_RECURSIVE, attributes)
    if errno == C.ENOSYS then
        remount_readonly(NEW_ROOT .. "/" .. target)
    end
end

local function mount_tmpfs(target, permissions)
    C.mount("tmpfs", target, "tmpfs", TMPFS_FLAGS, "mode=" .. permissions)
end

-- From here on paths without a leading slash are in the new root. It is a fresh tmpfs, so nobody
-- else can have put a symbolic link into the way of a mount.
local function make_root()
    -- Or what the host mounts later would appear in the box as well.
    C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE), nil)
    mount_tmpfs(NEW_ROOT, "0755")
    C.chdir(NEW_ROOT)
end

-- A new instance, which shows the processes of this PID namespace only.
--
-- User namespaces are switched off in the box: whoever makes one has all capabilities in it, and
-- with them could mount file systems and reach much more of the kernel. Only CAP_SYS_RESOURCE can
-- switch them on again.
--
-- Then it becomes read-only: some files of /proc change the whole machine, and the kernel asks for
-- user id 0 there, not for a capability. Called by root, the box has that id.
local function make_proc()
    C.mkdir("proc", mode(7, 5, 5))
    C.mount("proc", "proc", "proc", PROC_FLAGS, nil)
    local limit = assert(io.open("proc/sys/user/max_user_namespaces", "w"))
    assert(limit:write("0"))
    assert(limit:close()) -- a file that is open for writing would keep the mount from the next step
    C.mount(nil, "proc", nil, bit.bor(READ_ONLY_REMOUNT, PROC_FLAGS), nil)
    -- This one lists the keys of the caller. A kernel without keyrings lacks it.
    local _, errno = try({ C.ENOENT }, C.open, "proc/keys", bit.bor(C.O_PATH, C.O_CLOEXEC))
    if errno == 0 then
        bind_readonly("/dev/null", "proc/keys")
    end
end

local function make_programs()
    for _, name in ipairs(READ_ONLY_TREES) do
        C.mkdir(name, mode(7, 5, 5))
        bind_readonly("/" .. name, name)
    end
    for _, name in ipairs(PROGRAM_DIRECTORIES) do
        local flags = bit.bor(C.O_PATH, C.O_DIRECTORY, C.O_NOFOLLOW, C.O_CLOEXEC)
        local _, errno = try({ C.ENOENT, C.ENOTDIR }, C.open, "/" .. name, flags)
        if errno == C.ENOTDIR then -- a symbolic link
            C.symlink("usr/" .. name, name)
        elseif errno == 0 then
            C.mkdir(name, mode(7, 5, 5))
            bind_readonly("/" .. name, name)
        end
    end
end

-- Device nodes cannot be made in a user namespace, but those of the host can be shown. Read-only
-- concerns the node, not the device: called by root, the box could else change its permissions.
local function make_devices()
    C.mkdir("dev", mode(7, 5, 5))
    for _, name in ipairs(DEVICES) do
        local path = "dev/" .. name
        local _, errno = try({ C.ENOENT }, C.open, "/" .. path, bit.bor(C.O_PATH, C.O_CLOEXEC))
        if errno == 0 then
            C.mknod(path, mode(6, 6, 6), 0) -- a regular file to mount on
            bind_readonly("/" .. path, path)
        elseif name ~= "tty" then
            -- A host without terminals may lack that one.
            error("the host has no /" .. path, 0)
        end
    end
    C.symlink("/proc/self/fd", "dev/fd")
    C.symlink("/proc/self/fd/0", "dev/stdin")
    C.symlink("/proc/self/fd/1", "dev/stdout")
    C.symlink("/proc/self/fd/2", "dev/stderr")
    C.mkdir("dev/shm", mode(7, 7, 7))
    mount_tmpfs("dev/shm", "1777")

    C.mkdir("dev/pts", mode(7, 5, 5))
    local flags = bit.bor(C.MS_NOSUID, C.MS_NOEXEC)
    local options = "newinstance,ptmxmode=0666,mode=0620"
    -- A kernel can be built without pseudo-terminals.
    local _, errno = try({ C.ENODEV }, C.mount, "devpts", "dev/pts", "devpts", flags, options)
    if errno == 0 then
        C.symlink("pts/ptmx", "dev/ptmx")
    end
end

-- The new root takes the place of the old one, which ends up on top of it and is then detached:
-- with that the last way to the host's files is gone.
local function enter_root()
    C.pivot_root(".", ".")
    C.umount2(".", C.MNT_DETACH)
    C.mount(nil, "/", nil, bit.bor(READ_ONLY_REMOUNT, TMPFS_FLAGS), nil)
end

-- The bounding set is what user id 0 gets at execve(2); it comes first, as that takes a capability.
-- With the other sets, cap_set_proc() empties the ambient one.
local function drop_capabilities()
    local last = assert(io.open("/proc/sys/kernel/cap_last_cap")):read("*n")
    for capability = 0, last do
        C.cap_drop_bound(tostring(capability))
    end
    C.cap_set_proc("=")
end

-- Who has the caller's session keyring reads the keys in it, in whatever namespaces. A new one of the
-- box's own takes its place. A kernel without keyrings refuses that with ENOSYS, a filter that the
-- caller has, as in a container, mostly with EPERM. Either refuses it to the program too: it inherits
-- that filter.
local function leave_keyrings()
    try({ C.ENOSYS, C.EPERM }, C.keyctl, C.KEYCTL_JOIN_SESSION_KEYRING)
end

-- The kernel's numbers of system calls and its name for the architecture, in seccomp filters. After
-- that of add_key(2) come those of request_key(2) and keyctl(2).
local SECCOMP_NUMBERS = {
    x64 = { ioctl = 16, add_key = 248, audit_arch = 0xc000003e },
    arm64 = { ioctl = 29, add_key = 217, audit_arch = 0xc00000b7 },
}

-- A classic BPF instruction, struct sock_filter, on a little-endian machine.
local function instruction(code, if_true, if_false, k)
    local function byte(shift)
        return bit.band(bit.rshift(k, shift), 0xff)
    end
    return string.char(code, 0, if_true, if_false, byte(0), byte(8), byte(16), byte(24))
end

-- Refuses the two ioctl(2) requests that put input into a terminal as if it had been typed:
-- TIOCSTI, and TIOCLINUX for the paste function of the console. Also refuses the three calls for
-- keys, as a kernel without keyrings does: outside, the box has its caller's user id, so the kernel
-- gives it the user's keyrings of the host, and session keyrings that have a name, by their number.
local function box_filter(numbers)
    local function load(offset)
        return instruction(0x20, 0, 0, offset)
    end
    local function skip_if_equal(value, count)
        return instruction(0x15, count, 0, value)
    end
    local function skip_if_at_least(value, count)
        return instruction(0x35, count, 0, value)
    end
    local function answer(value)
        return instruction(0x06, 0, 0, value)
    end
    local kill, allow, fail = 0x80000000, 0x7fff0000, 0x00050000
    return table.concat({
        load(4), -- seccomp_data.arch
        skip_if_equal(numbers.audit_arch, 1),
        answer(kill), -- another ABI, with other numbers: 32-bit programs
        load(0), -- seccomp_data.nr
        skip_if_at_least(0x40000000, 9), -- x32, another ABI that shares the architecture's name
        skip_if_at_least(numbers.add_key + 3, 1),
        skip_if_at_least(numbers.add_key, 7),
        skip_if_equal(numbers.ioctl, 1),
        answer(allow),
        load(24), -- the low half of seccomp_data.args[1]; ioctl(2) ignores the other
        skip_if_equal(0x5412, 2), -- TIOCSTI
        skip_if_equal(0x541c, 1), -- TIOCLINUX
        answer(allow),
        answer(bit.bor(fail, C.EPERM)),
        answer(bit.bor(fail, C.ENOSYS)),
    })
end

-- Beside the keys: the box shares the terminal of its caller, and could type commands into it that the
-- caller's shell runs when the box has ended. The usual answer is setsid(2), which takes the terminal
-- away, and with it Ctrl-C and job control. To keep these, a filter refuses just the typing; setsid(2)
-- is left for machines whose numbers are not known here. There only the session keyring is the box's.
local function refuse_calls()
    local numbers = SECCOMP_NUMBERS[jit.arch]
    if numbers then
        C.seccomp_set_mode_filter(box_filter(numbers))
    else
        C.setsid()
    end
end

require_own_namespaces()
make_root()
make_proc()
make_programs()
make_devices()
C.mkdir("tmp", mode(7, 7, 7))
mount_tmpfs("tmp", "1777")
enter_root()
C.sethostname("box")
drop_capabilities()
set_no_new_privs()
leave_keyrings()
refuse_calls()
