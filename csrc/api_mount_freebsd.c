/*
 * Calls of scripts for mounts: mount(2), unmount(2).
 */
#include "api.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/param.h>

/* Not the arguments of Linux: the type comes first, and there is no source. What a file system
 * wants to know beside that is DATA, the bytes of a string. */
static int l_mount(lua_State *L)
{
	const char *type = luaL_checkstring(L, 1);
	const char *directory = luaL_checkstring(L, 2);
	int64_t flags = initscript_integer(L, 3);
	const char *data = lua_tostring(L, 4);
	if (flags != (uint32_t)flags) { /* MNT_NOCOVER and MNT_EMPTYDIR: mount(2) would drop them */
		errno = EINVAL;
		return initscript_result(L, "mount", -1);
	}
	return initscript_result(L, "mount", mount(type, directory, flags, (void *)data));
}

static int l_unmount(lua_State *L)
{
	const char *directory = luaL_checkstring(L, 1);
	int flags = initscript_integer(L, 2);
	return initscript_result(L, "unmount", unmount(directory, flags));
}

const struct initscript_function initscript_mount_functions[] = {
        {"mount", l_mount},
        {"unmount", l_unmount},
        {NULL, NULL},
};
