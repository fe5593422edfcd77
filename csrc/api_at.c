/*
 * Calls of scripts with paths that begin at a descriptor: the *at(2) family. Listed in the table
 * of families; each returns its result and errno, or has ended the process as errexit says.
 */
#include "api.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int l_mkdirat(lua_State *L)
{
	int fd = initscript_exact_fd(L, 1);
	const char *path = initscript_exact_path(L, 2);
	mode_t mode = initscript_exact(L, 3, 0, 01777);
	return initscript_result(L, "mkdirat", mkdirat(fd, path, mode));
}

static int l_mknodat(lua_State *L)
{
	int fd = initscript_exact_fd(L, 1);
	const char *path = initscript_exact_path(L, 2);
	mode_t mode = initscript_exact(L, 3, 0, 0177777);
	dev_t device = initscript_exact(L, 4, 0, UINT32_MAX);
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
	const char *target = initscript_exact_path(L, 1);
	int fd = initscript_exact_fd(L, 2);
	const char *path = initscript_exact_path(L, 3);
	return initscript_result(L, "symlinkat", symlinkat(target, fd, path));
}

static int l_unlinkat(lua_State *L)
{
	int fd = initscript_exact_fd(L, 1);
	const char *path = initscript_exact_path(L, 2);
	int flags = initscript_exact_flags(L, 3);
	return initscript_result(L, "unlinkat", unlinkat(fd, path, flags));
}

static int l_fchownat(lua_State *L)
{
	int fd = initscript_exact_fd(L, 1);
	const char *path = initscript_exact_path(L, 2);
	uid_t uid = initscript_exact_id(L, 3);
	gid_t gid = initscript_exact_id(L, 4);
	int flags = initscript_exact_flags(L, 5);
	return initscript_result(L, "fchownat", fchownat(fd, path, uid, gid, flags));
}

static int l_fchmodat(lua_State *L)
{
	int fd = initscript_exact_fd(L, 1);
	const char *path = initscript_exact_path(L, 2);
	mode_t mode = initscript_exact(L, 3, 0, 07777);
	int flags = initscript_exact_flags(L, 4);
	return initscript_result(L, "fchmodat", fchmodat(fd, path, mode, flags));
}

const struct initscript_function initscript_at_functions[] = {
        {"mkdirat", l_mkdirat},   {"mknodat", l_mknodat},
        {"linkat", l_linkat},     {"symlinkat", l_symlinkat},
        {"unlinkat", l_unlinkat}, {"fchownat", l_fchownat},
        {"fchmodat", l_fchmodat}, {NULL, NULL},
};
