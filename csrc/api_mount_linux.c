/*
 * Calls of scripts for mounts by path: mount(2), umount2(2), pivot_root(2).
 */
#include "api.h"

#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static int l_mount(lua_State *L)
{
	const char *source = lua_tostring(L, 1);
	const char *target = luaL_checkstring(L, 2);
	const char *type = lua_tostring(L, 3);
	unsigned long flags = initscript_integer(L, 4);
	const char *data = lua_tostring(L, 5);
	return initscript_result(L, "mount", mount(source, target, type, flags, data));
}

static int l_umount(lua_State *L)
{
	const char *target = luaL_checkstring(L, 1);
	return initscript_result(L, "umount", umount(target));
}

static int l_umount2(lua_State *L)
{
	const char *target = luaL_checkstring(L, 1);
	int flags = initscript_integer(L, 2);
	return initscript_result(L, "umount2", umount2(target, flags));
}

static int l_pivot_root(lua_State *L)
{
	const char *new_root = luaL_checkstring(L, 1);
	const char *put_old = luaL_checkstring(L, 2);
	return initscript_result(L, "pivot_root", syscall(SYS_pivot_root, new_root, put_old));
}

const struct initscript_function initscript_mount_functions[] = {
        {"mount", l_mount},           {"umount", l_umount}, {"umount2", l_umount2},
        {"pivot_root", l_pivot_root}, {NULL, NULL},
};
