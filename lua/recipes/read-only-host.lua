-- Shows a program the whole host and lets it change nothing there, as any user:
--
--     initscript run --env PATH=/usr/bin:/bin lua/recipes/read-only-host.lua -- make check
--
-- What runs finds every file system read-only; /tmp and its like are private and empty, and vanish
-- at its end. Of the devices only harmless ones can be opened. It keeps its user id and its working
-- directory. It has no capabilities and cannot get any. The namespaces for this the script makes
-- itself, so it needs no --ns, and the host sees none of its mounts.
--
-- It can still ask others to change something: daemons, through sockets that are files.
--
-- Needs Linux 5.12, for mount_setattr(2). Emilua runs this script too, in releases that have
-- C.mount_setattr.

-- Private and empty. What the host does not have of these is left out.
local PRIVATE = { "/tmp", "/var/tmp", "/dev/shm" }

-- Directories that stay writable, for example that of the results.
local WRITABLE = {}

-- All others are out of reach: for root, a disk is a way around every file system. What the host
-- does not have of these is left out.
local DEVICES = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty" }

local ffi = require("ffi")
ffi.cdef([[ char *getcwd(char *buffer, size_t size); ]])

local function working_directory()
    local buffer = ffi.new("char[4096]")
    if ffi.C.getcwd(buffer, ffi.sizeof(buffer)) == nil then
        error("the working directory has no path")
    end
    return ffi.string(buffer)
end

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

-- The kernel takes a map in one piece only. A file that stays open for writing would keep its file
-- system from becoming read-only.
local function write_file(path, text)
    local fd = C.open(path, bit.bor(C.O_WRONLY, C.O_CLOEXEC))
    C.write(fd, text)
    C.close(fd)
end

-- In a user namespace anybody may make the other kinds. What root could do here without one, it
-- could undo.
local function new_namespaces(kinds)
    local uid, gid = own_ids()
    C.unshare(bit.bor(C.CLONE_NEWUSER, kinds))
    write_file("/proc/self/setgroups", "deny") -- the kernel's condition for the next but one
    write_file("/proc/self/uid_map", uid .. " " .. uid .. " 1")
    write_file("/proc/self/gid_map", gid .. " " .. gid .. " 1")
end

local function existing(paths)
    local found = {}
    errexit = false
    for _, path in ipairs(paths) do
        if C.access(path, C.F_OK) == 0 then
            found[#found + 1] = path
        end
    end
    errexit = true
    return found
end

-- Copies what is at each path, with its mounts, before it becomes like the rest.
local function copy_trees(paths, attributes)
    local trees = {}
    for i, path in ipairs(paths) do
        local flags = bit.bor(C.OPEN_TREE_CLONE, C.OPEN_TREE_CLOEXEC, C.AT_RECURSIVE)
        local fd = C.open_tree(C.AT_FDCWD, path, flags)
        flags = bit.bor(C.AT_EMPTY_PATH, C.AT_RECURSIVE)
        C.mount_setattr(fd, "", flags, { attr_set = attributes })
        trees[i] = { fd = fd, path = path }
    end
    return trees
end

local function attach_trees(trees)
    local flags = bit.bor(C.MOVE_MOUNT_F_EMPTY_PATH, C.MOVE_MOUNT_T_SYMLINKS)
    for _, tree in ipairs(trees) do
        C.move_mount(tree.fd, "", C.AT_FDCWD, tree.path, flags)
    end
end

local function make_private(paths)
    local flags = bit.bor(C.MS_NOSUID, C.MS_NODEV)
    for _, path in ipairs(paths) do
        C.mount("tmpfs", path, "tmpfs", flags, "mode=1777")
    end
end

-- Pseudo-terminals of its own. Those of the host belong to others, too.
local function make_terminals()
    local flags = bit.bor(C.MS_NOSUID, C.MS_NOEXEC)
    C.mount("devpts", "/dev/pts", "devpts", flags, "newinstance,ptmxmode=0666,mode=0620")
    C.mount("/dev/pts/ptmx", "/dev/ptmx", nil, C.MS_BIND)
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

local directory = working_directory()
new_namespaces(C.CLONE_NEWNS)
-- What the host mounts from now on would be writable here.
C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE))
-- Read-only concerns a device's node, not the device.
local devices = copy_trees(existing(DEVICES), C.MOUNT_ATTR_RDONLY)
local writable = copy_trees(WRITABLE, C.MOUNT_ATTR_NODEV)
local everywhere = bit.bor(C.MOUNT_ATTR_RDONLY, C.MOUNT_ATTR_NODEV)
C.mount_setattr(C.AT_FDCWD, "/", C.AT_RECURSIVE, { attr_set = everywhere })
make_private(existing(PRIVATE))
make_terminals()
attach_trees(devices)
attach_trees(writable)
-- By its path, as the old way into it avoids the new mounts. Below a private directory it is gone,
-- and this fails.
C.chdir(directory)
drop_capabilities()
set_no_new_privs()
