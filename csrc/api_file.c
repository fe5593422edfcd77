/*
 * Calls of scripts for files and directories by path.
 */
#include "api.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#if __has_include(<sys/sysmacros.h>) /* makedev() with glibc, musl */
#include <sys/sysmacros.h>
#endif

static int l_mkdir(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	mode_t mode = initscript_integer(L, 2);
	return initscript_result(L, "mkdir", mkdir(path, mode));
}

static int l_mkfifo(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	mode_t mode = initscript_integer(L, 2);
	return initscript_result(L, "mkfifo", mkfifo(path, mode));
}

static int l_mknod(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	mode_t mode = initscript_integer(L, 2);
	dev_t device = initscript_integer(L, 3);
	return initscript_result(L, "mknod", mknod(path, mode, device));
}

/* One result, no errno: it cannot fail. */
static int l_makedev(lua_State *L)
{
	unsigned major_number = initscript_integer(L, 1);
	unsigned minor_number = initscript_integer(L, 2);
	lua_pushinteger(L, makedev(major_number, minor_number));
	return 1;
}

static int l_link(lua_State *L)
{
	const char *old_path = luaL_checkstring(L, 1);
	const char *new_path = luaL_checkstring(L, 2);
	return initscript_result(L, "link", link(old_path, new_path));
}

static int l_symlink(lua_State *L)
{
	const char *target = luaL_checkstring(L, 1);
	const char *path = luaL_checkstring(L, 2);
	return initscript_result(L, "symlink", symlink(target, path));
}

static int l_unlink(lua_State *L)
{
	const char *path = initscript_exact_path(L, 1);
	return initscript_result(L, "unlink", unlink(path));
}

static int l_rmdir(lua_State *L)
{
	const char *path = initscript_exact_path(L, 1);
	return initscript_result(L, "rmdir", rmdir(path));
}

static int l_rename(lua_State *L)
{
	const char *old_path = initscript_exact_path(L, 1);
	const char *new_path = initscript_exact_path(L, 2);
	return initscript_result(L, "rename", rename(old_path, new_path));
}

static int l_chown(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	uid_t uid = initscript_integer(L, 2);
	gid_t gid = initscript_integer(L, 3);
	return initscript_result(L, "chown", chown(path, uid, gid));
}

static int l_lchown(lua_State *L)
{
	const char *path = initscript_exact_path(L, 1);
	uid_t uid = initscript_exact_id(L, 2);
	gid_t gid = initscript_exact_id(L, 3);
	return initscript_result(L, "lchown", lchown(path, uid, gid));
}

static int l_fchown(lua_State *L)
{
	int fd = initscript_exact_fd(L, 1);
	uid_t uid = initscript_exact_id(L, 2);
	gid_t gid = initscript_exact_id(L, 3);
	return initscript_result(L, "fchown", fchown(fd, uid, gid));
}

static int l_chmod(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	mode_t mode = initscript_integer(L, 2);
	return initscript_result(L, "chmod", chmod(path, mode));
}

static int l_fchmod(lua_State *L)
{
	int fd = initscript_exact_fd(L, 1);
	mode_t mode = initscript_exact(L, 2, 0, 07777);
	return initscript_result(L, "fchmod", fchmod(fd, mode));
}

static int l_chdir(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	return initscript_result(L, "chdir", chdir(path));
}

static int l_fchdir(lua_State *L)
{
	int fd = initscript_exact_fd(L, 1);
	return initscript_result(L, "fchdir", fchdir(fd));
}

static int l_chroot(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	return initscript_result(L, "chroot", chroot(path));
}

/* One result, the old mask: it cannot fail. */
static int l_umask(lua_State *L)
{
	mode_t mask = initscript_integer(L, 1);
	lua_pushinteger(L, umask(mask));
	return 1;
}

static int l_access(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	int mode = initscript_integer(L, 2);
	return initscript_result(L, "access", access(path, mode));
}

static int l_eaccess(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	int mode = initscript_integer(L, 2);
	return initscript_result(L, "eaccess", eaccess(path, mode));
}

const struct initscript_function initscript_file_functions[] = {
        {"mkdir", l_mkdir},   {"mkfifo", l_mkfifo},   {"mknod", l_mknod},   {"makedev", l_makedev},
        {"link", l_link},     {"symlink", l_symlink}, {"unlink", l_unlink}, {"rmdir", l_rmdir},
        {"rename", l_rename}, {"chown", l_chown},     {"lchown", l_lchown}, {"fchown", l_fchown},
        {"chmod", l_chmod},   {"fchmod", l_fchmod},   {"chdir", l_chdir},   {"fchdir", l_fchdir},
        {"chroot", l_chroot}, {"umask", l_umask},     {"access", l_access}, {"eaccess", l_eaccess},
        {NULL, NULL},
};
