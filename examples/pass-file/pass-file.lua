-- Nothing can be opened, read as a directory, made or removed from here on; what is open stays usable.
-- This needs no namespaces.

set_no_new_privs()
local ruleset = C.landlock_create_ruleset({
    handled_access_fs = {
        "execute", "write_file", "read_file", "read_dir", "remove_dir", "remove_file", "make_char",
        "make_dir", "make_reg", "make_sock", "make_fifo", "make_block", "make_sym",
    },
}, nil)
C.landlock_restrict_self(ruleset) -- without rules: nothing is allowed
