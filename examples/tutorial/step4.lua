-- Step 4: a root directory with nothing in it but what is put there.

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

-- The old root ends up on top of the new one, and is detached. Then the new one becomes read-only.
local function enter_root()
    C.pivot_root(".", ".")
    C.umount2(".", C.MNT_DETACH)
    local flags = bit.bor(C.MS_REMOUNT, C.MS_BIND, C.MS_RDONLY, TMPFS_FLAGS)
    C.mount(nil, "/", nil, flags, nil)
end

make_root()
make_programs()
make_tmp()
enter_root()
C.sethostname("box")
