-- Leaves a running program one directory that it may read, passed as arg, and nothing else of the
-- file system: no other file can be opened, created, removed or executed. What is open stays open.

local everything = {
    'execute', 'write_file', 'read_file', 'read_dir', 'remove_dir', 'remove_file', 'make_char',
    'make_dir', 'make_reg', 'make_sock', 'make_fifo', 'make_block', 'make_sym'
}
local newer = {[2] = 'refer', [3] = 'truncate', [5] = 'ioctl_dev', [9] = 'resolve_unix'}

local version = C.landlock_create_ruleset(nil, {'version'})
for since, right in pairs(newer) do
    if version >= since then
        table.insert(everything, right)
    end
end

local ruleset = C.landlock_create_ruleset({handled_access_fs = everything})
C.landlock_add_rule(ruleset, 'path_beneath', {
    allowed_access = {'read_file', 'read_dir'},
    parent_fd = arg
})
set_no_new_privs()
C.landlock_restrict_self(ruleset)
