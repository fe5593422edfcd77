#include "api.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A misspelt field would leave a restriction out. */
static void check_fields_of_how(lua_State *L)
{
	luaL_checktype(L, 3, LUA_TTABLE);
	for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1))
		if (!initscript_is_text(L, -2, "flags") && !initscript_is_text(L, -2, "mode") &&
		    !initscript_is_text(L, -2, "resolve"))
			luaL_error(L, "invalid open_how");
}

static int l_openat2(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	const char *path = luaL_checkstring(L, 2);
	check_fields_of_how(L);
	struct open_how how = {
	        .flags = initscript_number_field(L, 3, "flags", "openat2/flags"),
	        .mode = initscript_number_field(L, 3, "mode", "openat2/mode"),
	        .resolve = initscript_number_field(L, 3, "resolve", "openat2/resolve"),
	};
	return initscript_result(L, "openat2", syscall(SYS_openat2, fd, path, &how, sizeof how));
}

static int l_mkdirat(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	const char *path = luaL_checkstring(L, 2);
	mode_t mode = initscript_integer(L, 3);
	return initscript_result(L, "mkdirat", mkdirat(fd, path, mode));
}

static int l_mknodat(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	const char *path = luaL_checkstring(L, 2);
	mode_t mode = initscript_integer(L, 3);
	dev_t device = initscript_integer(L, 4);
	return initscript_result(L, "mknodat", mknodat(fd, path, mode, device));
}

static int l_linkat(lua_State *L)
{
	int old_fd = initscript_fd(L, 1);
	const char *old_path = luaL_checkstring(L, 2);
	int new_fd = initscript_fd(L, 3);
	const char *new_path = luaL_checkstring(L, 4);
	int flags = initscript_integer(L, 5);
	return initscript_result(L, "linkat", linkat(old_fd, old_path, new_fd, new_path, flags));
}

static int l_symlinkat(lua_State *L)
{
	const char *target = luaL_checkstring(L, 1);
	int fd = initscript_fd(L, 2);
	const char *path = luaL_checkstring(L, 3);
	return initscript_result(L, "symlinkat", symlinkat(target, fd, path));
}

static int l_unlinkat(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	const char *path = luaL_checkstring(L, 2);
	int flags = initscript_integer(L, 3);
	return initscript_result(L, "unlinkat", unlinkat(fd, path, flags));
}

static int l_renameat2(lua_State *L)
{
	int old_fd = initscript_fd(L, 1);
	const char *old_path = luaL_checkstring(L, 2);
	int new_fd = initscript_fd(L, 3);
	const char *new_path = luaL_checkstring(L, 4);
	unsigned flags = initscript_integer(L, 5);
	return initscript_result(L, "renameat2",
	                         syscall(SYS_renameat2, old_fd, old_path, new_fd, new_path, flags));
}

static int l_fchownat(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	const char *path = luaL_checkstring(L, 2);
	uid_t uid = initscript_integer(L, 3);
	gid_t gid = initscript_integer(L, 4);
	int flags = initscript_integer(L, 5);
	return initscript_result(L, "fchownat", fchownat(fd, path, uid, gid, flags));
}

static int l_fchmodat(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	const char *path = luaL_checkstring(L, 2);
	mode_t mode = initscript_integer(L, 3);
	int flags = initscript_integer(L, 4);
	return initscript_result(L, "fchmodat", fchmodat(fd, path, mode, flags));
}

const struct initscript_function initscript_at_functions[] = {
        {"openat2", l_openat2},     {"mkdirat", l_mkdirat},
        {"mknodat", l_mknodat},     {"linkat", l_linkat},
        {"symlinkat", l_symlinkat}, {"unlinkat", l_unlinkat},
        {"renameat2", l_renameat2}, {"fchownat", l_fchownat},
        {"fchmodat", l_fchmodat},   {NULL, NULL},
};
