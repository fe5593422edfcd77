-- Keeps a tool within its working directory by Landlock alone, as any user:
--
--     initscript run -C results --env PATH=/usr/bin:/bin lua/recipes/landlock-jail.lua -- \
--         sort -o sorted /etc/services
--
-- What runs can execute the host's programs, read a few trees, and do in the directories of WRITE
-- whatever its user may, except execute files. It opens no other file, uses no TCP, and reaches
-- neither processes nor abstract sockets outside. It needs no namespace, so it works where these
-- are forbidden, and in a container.
--
-- Landlock does not control everything: the names, sizes and owners of all files can be seen, and
-- chmod(2) and the like work as always. What is open already stays usable.
--
-- Beyond Emilua: all rights newer than ABI 3. Emilua runs this script when their rows are gone and
-- REQUIRED_ABI is 3.

-- The tool may read here, and execute. No system has all of these.
local PROGRAMS = { "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32" }
-- It may read here,
local READ = { "/etc" }
-- read and write here,
local WRITE = { "." }
-- and use these. A host without terminals may lack the last one.
local DEVICES = {
    "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",
}

-- With an older Landlock the script fails instead of giving up part of the jail. Of what even newer
-- ones can refuse, stderr says whether it is missing.
local REQUIRED_ABI = 6

-- What is refused unless a rule allows it, by the ABI that has it. The kernel's list, and Linux
-- versions, are in landlock(7).
local RIGHTS = {
    { 1, "handled_access_fs", "execute", "write_file", "read_file", "read_dir", "remove_dir",
        "remove_file", "make_char", "make_dir", "make_reg", "make_sock", "make_fifo", "make_block",
        "make_sym" },
    { 2, "handled_access_fs", "refer" },
    { 3, "handled_access_fs", "truncate" },
    { 4, "handled_access_net", "bind_tcp", "connect_tcp" },
    { 5, "handled_access_fs", "ioctl_dev" },
    { 6, "scoped", "abstract_unix_socket", "signal" },
    { 9, "handled_access_fs", "resolve_unix" },
    { 10, "handled_access_net", "bind_udp", "connect_send_udp" },
}

local READING = { "read_file", "read_dir" }
local EXECUTING = { "read_file", "read_dir", "execute" }
local WRITING = {
    "read_file", "read_dir", "write_file", "truncate", "remove_dir", "remove_file", "make_dir",
    "make_reg", "make_sock", "make_fifo", "make_sym", "refer", "resolve_unix",
}
local USING = { "read_file", "write_file", "truncate", "ioctl_dev" }

-- A rule for a file that is no directory may have these only.
local RIGHTS_OF_FILES = {
    execute = true, write_file = true, read_file = true, truncate = true, ioctl_dev = true,
    resolve_unix = true,
}

-- Returns what landlock_create_ruleset takes, and a list of what the kernel does not know.
local function split_rights(abi)
    local attributes, missing = {}, {}
    for _, row in ipairs(RIGHTS) do
        local needed, field = row[1], row[2]
        local list = missing
        if needed <= abi then
            list = attributes[field] or {}
            attributes[field] = list
        end
        for i = 3, #row do
            list[#list + 1] = row[i]
        end
    end
    return attributes, missing
end

-- Without Landlock this fails: ENOSYS, or EOPNOTSUPP if it is there and not enabled at boot.
local function create_ruleset()
    local abi = C.landlock_create_ruleset(nil, { "version" })
    local attributes, missing = split_rights(abi)
    local names = table.concat(missing, ", ")
    if abi < REQUIRED_ABI then
        error(("Landlock ABI %d is needed, the kernel has %d and cannot refuse: %s")
            :format(REQUIRED_ABI, abi, names), 0)
    elseif names ~= "" then
        io.stderr:write("landlock-jail: this kernel cannot refuse: ", names, "\n")
    end
    -- EINVAL: some kernels of distributions claim an ABI that they do not have completely.
    return C.landlock_create_ruleset(attributes), attributes.handled_access_fs
end

-- Opens the path if it exists. The second result says whether it is a directory.
local function open_path(path)
    local flags = bit.bor(C.O_PATH, C.O_CLOEXEC)
    errexit = false
    local fd, errno = C.open(path, bit.bor(flags, C.O_DIRECTORY))
    local is_directory = errno == 0
    if errno == C.ENOTDIR then
        fd, errno = C.open(path, flags)
    end
    errexit = true
    return errno == 0 and fd, is_directory
end

-- The rights that a rule may have; all others are an error in it.
local function select_rights(rights, handled, is_directory)
    local is_handled, selected = {}, {}
    for _, right in ipairs(handled) do
        is_handled[right] = is_directory or RIGHTS_OF_FILES[right]
    end
    for _, right in ipairs(rights) do
        if is_handled[right] then
            selected[#selected + 1] = right
        end
    end
    return selected
end

local ruleset, handled = create_ruleset()

local function allow(paths, rights, may_be_missing)
    for _, path in ipairs(paths) do
        local fd, is_directory = open_path(path)
        if fd then
            local selected = select_rights(rights, handled, is_directory)
            local attributes = { parent_fd = fd, allowed_access = selected }
            C.landlock_add_rule(ruleset, "path_beneath", attributes)
        elseif not may_be_missing then
            error("cannot open " .. path, 0)
        end
    end
end

allow(PROGRAMS, EXECUTING, true)
allow(READ, READING)
allow(WRITE, WRITING)
allow(DEVICES, USING, true)
set_no_new_privs()
C.landlock_restrict_self(ruleset)
