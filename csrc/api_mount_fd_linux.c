/*
 * Calls of scripts for the mount API of file descriptors: fsopen(2) and its relatives.
 */
#include "api.h"

#include <errno.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Direct system calls: the C library has had these functions for a short time only, and its
 * <sys/mount.h> and <linux/mount.h> exclude each other in some versions. */

/* A string, or NULL for nil. Anything else, a number or no argument too, ends the process. */
static const char *string_or_nil(lua_State *L, int arg, const char *name)
{
	switch (lua_type(L, arg)) {
	case LUA_TSTRING:
		return lua_tostring(L, arg);
	case LUA_TNIL:
		return NULL;
	default:
		initscript_die(L, name, EINVAL);
	}
}

static int l_fsopen(lua_State *L)
{
	unsigned flags = initscript_integer(L, 2);
	const char *type = string_or_nil(L, 1, "fsopen");
	return initscript_result(L, "fsopen", syscall(SYS_fsopen, type, flags));
}

static int l_fsconfig(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	unsigned command = initscript_integer(L, 2);
	int aux = initscript_integer(L, 5);
	const char *key = string_or_nil(L, 3, "fsconfig");
	const char *value = string_or_nil(L, 4, "fsconfig");
	/* Here aux is a length; the kernel must not read past the script's string. */
	if (command == FSCONFIG_SET_BINARY && value && aux > 0 && (size_t)aux > lua_objlen(L, 4)) {
		errno = EINVAL;
		return initscript_result(L, "fsconfig", -1);
	}
	return initscript_result(L, "fsconfig",
	                         syscall(SYS_fsconfig, fd, command, key, value, aux));
}

static int l_fsmount(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	unsigned flags = initscript_integer(L, 2);
	unsigned attributes = initscript_integer(L, 3);
	return initscript_result(L, "fsmount", syscall(SYS_fsmount, fd, flags, attributes));
}

static int l_fspick(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	unsigned flags = initscript_integer(L, 3);
	const char *path = string_or_nil(L, 2, "fspick");
	return initscript_result(L, "fspick", syscall(SYS_fspick, fd, path, flags));
}

static int l_open_tree(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	unsigned flags = initscript_integer(L, 3);
	const char *path = string_or_nil(L, 2, "open_tree");
	return initscript_result(L, "open_tree", syscall(SYS_open_tree, fd, path, flags));
}

static int l_move_mount(lua_State *L)
{
	int from_fd = initscript_fd(L, 1);
	int to_fd = initscript_fd(L, 3);
	unsigned flags = initscript_integer(L, 5);
	const char *from = string_or_nil(L, 2, "move_mount");
	const char *to = string_or_nil(L, 4, "move_mount");
	return initscript_result(L, "move_mount",
	                         syscall(SYS_move_mount, from_fd, from, to_fd, to, flags));
}

static int l_mount_setattr(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	unsigned flags = initscript_integer(L, 3);
	luaL_checktype(L, 4, LUA_TTABLE);
	const char *path = string_or_nil(L, 2, "mount_setattr");
	struct mount_attr attr = {
	        .attr_set = initscript_number_field(L, 4, "attr_set", "mount_setattr/attr_set"),
	        .attr_clr = initscript_number_field(L, 4, "attr_clr", "mount_setattr/attr_clr"),
	        .propagation =
	                initscript_number_field(L, 4, "propagation", "mount_setattr/propagation"),
	        .userns_fd = initscript_number_field(L, 4, "userns_fd", "mount_setattr/userns_fd"),
	};
	return initscript_result(L, "mount_setattr",
	                         syscall(SYS_mount_setattr, fd, path, flags, &attr, sizeof attr));
}

const struct initscript_function initscript_mount_fd_functions[] = {
        {"fsopen", l_fsopen},
        {"fsconfig", l_fsconfig},
        {"fsmount", l_fsmount},
        {"fspick", l_fspick},
        {"move_mount", l_move_mount},
        {"open_tree", l_open_tree},
        {"mount_setattr", l_mount_setattr},
        {NULL, NULL},
};
