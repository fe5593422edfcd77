-- Runs a program in the namespaces of another process, given as its directory in /proc:
--
--     initscript run --arg-file /proc/1234 --env PATH=/usr/bin:/bin \
--         lua/recipes/join-namespaces.lua -- /bin/sh
--
-- or in one namespace that has a file of its own:
--
--     initscript run --arg-file /run/netns/blue --env PATH=/usr/bin:/bin \
--         lua/recipes/join-namespaces.lua -- ip address
--
-- For root, and for the user who has made the other process's user namespace. In a user namespace
-- that it joins the program becomes root, with all capabilities there.
--
-- This confines nobody: the program has all rights that the target's root has, and shares with the
-- host what is not joined. Among that are the processes: who joins a PID namespace stays outside
-- and only gets children inside, which takes a fork(2) that scripts do not have.
--
-- Needs Linux 5.14, for the ino of fdinfo. Beyond Emilua: C.prctl.

-- Without those that are the caller's own. A container's mounts come last, as its /proc is another.
local NAMESPACES = { "user", "cgroup", "ipc", "uts", "net", "mnt" }
local TYPES = {
    user = C.CLONE_NEWUSER, cgroup = C.CLONE_NEWCGROUP, ipc = C.CLONE_NEWIPC,
    uts = C.CLONE_NEWUTS, net = C.CLONE_NEWNET, mnt = C.CLONE_NEWNS,
}

-- Who to be in a user namespace that is joined.
local UID, GID = 0, 0

-- Closes the file at once: a program that the script executes itself would have it open.
local function read_file(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
end

-- What tells namespaces apart. setns(2) for one's own is an error, or needs a privilege.
local function inode(fd)
    local text = read_file("/proc/self/fdinfo/" .. fd)
    return text:match("\nino:%s*(%d+)") or error("this kernel does not tell the inode of a file", 0)
end

local function open_namespace(directory, name)
    return (C.open(directory .. "/ns/" .. name, bit.bor(C.O_RDONLY, C.O_CLOEXEC)))
end

-- Opens all before joining any: they belong to the one process whose directory arg is, whatever
-- process has its id by now, and later they could not be found any more. If it has ended this
-- fails with ESRCH.
local function open_foreign_namespaces()
    local namespaces = {}
    for _, name in ipairs(NAMESPACES) do
        local fd = open_namespace("/proc/self/fd/" .. arg, name)
        if inode(fd) ~= inode(open_namespace("/proc/self", name)) then
            namespaces[#namespaces + 1] = { name = name, fd = fd }
        end
    end
    return namespaces
end

-- Calls f, which may fail with EPERM.
local function try(f, ...)
    errexit = false
    local _, errno = f(...)
    errexit = true
    if errno ~= 0 and errno ~= C.EPERM then
        f(...) -- ends the script in the usual way
    end
    return errno == 0
end

-- Namespaces that belong to the host have to be joined before the user namespace, as root; those
-- that belong to it, after it by anybody but root. So both are tried. With the type given, setns(2)
-- joins nothing else.
local function join(namespaces)
    local user, rest = nil, {}
    for _, namespace in ipairs(namespaces) do
        if namespace.name == "user" then
            user = namespace
        elseif not try(C.setns, namespace.fd, TYPES[namespace.name]) then
            rest[#rest + 1] = namespace
        end
    end
    if user then
        try(C.setgroups, {}) -- root's are the host's; others cannot give theirs up
        C.setns(user.fd, C.CLONE_NEWUSER)
        C.setresgid(GID, GID, GID)
        C.setresuid(UID, UID, UID)
    end
    for _, namespace in ipairs(rest) do
        C.setns(namespace.fd, TYPES[namespace.name])
    end
end

local function is_directory(fd)
    errexit = false
    local _, errno = C.open("/proc/self/fd/" .. fd, bit.bor(C.O_PATH, C.O_DIRECTORY, C.O_CLOEXEC))
    errexit = true
    return errno == 0
end

if not arg then
    error("no process given: --arg-file /proc/PID", 0)
elseif not is_directory(arg) then
    C.setns(arg, 0)
    return
end
local foreign_namespaces = open_foreign_namespaces()
-- Who has CAP_SYS_PTRACE in a user namespace could otherwise take over this process as soon as it
-- is in there, with what it still has of the host.
C.prctl(C.PR_SET_DUMPABLE, 0)
join(foreign_namespaces)
