/*
 * Calls of scripts for user and group ids. A list of groups that is not what it seems ends the
 * process: the script would go on with groups that it meant to give up.
 */
#include "api.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SYS_setresuid32 /* else ids would be cut to 16 bits: i386, arm */
enum {
	SETRESUID = SYS_setresuid32,
	SETRESGID = SYS_setresgid32,
	SETGROUPS = SYS_setgroups32,
};
#else
enum { SETRESUID = SYS_setresuid, SETRESGID = SYS_setresgid, SETGROUPS = SYS_setgroups };
#endif

static int l_setresuid(lua_State *L)
{
	uid_t real = initscript_integer(L, 1);
	uid_t effective = initscript_integer(L, 2);
	uid_t saved = initscript_integer(L, 3);
	return initscript_result(L, "setresuid",
	                         initscript_change(L, SETRESUID, real, effective, saved, 0, 0));
}

static int l_setresgid(lua_State *L)
{
	gid_t real = initscript_integer(L, 1);
	gid_t effective = initscript_integer(L, 2);
	gid_t saved = initscript_integer(L, 3);
	return initscript_result(L, "setresgid",
	                         initscript_change(L, SETRESGID, real, effective, saved, 0, 0));
}

/* The length of the list in argument 1. A numeric string is not good enough here: a list that
 * is not what it seems must not lead to a wrong set of groups. */
static size_t count_groups(lua_State *L)
{
	for (size_t count = 0;; count++) {
		lua_rawgeti(L, 1, count + 1);
		int type = lua_type(L, -1);
		lua_pop(L, 1);
		if (type == LUA_TNIL)
			return count;
		if (type != LUA_TNUMBER)
			initscript_die(L, "setgroups", EINVAL);
	}
}

static int l_setgroups(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	size_t count = count_groups(L);
	size_t size = count * sizeof(gid_t);
	gid_t *groups = initscript_acquire(L, size);
	for (size_t i = 0; i < count; i++) {
		lua_rawgeti(L, 1, i + 1);
		groups[i] = initscript_integer(L, -1);
		lua_pop(L, 1);
	}
	long result = initscript_change(L, SETGROUPS, count, (long)groups, 0, 0, 0);
	initscript_release(L, groups, size);
	return initscript_result(L, "setgroups", result);
}

static int fail_getgroups(lua_State *L)
{
	int error = errno;
	initscript_errexit(L, "getgroups", error, INITSCRIPT_CALL);
	lua_pushnil(L);
	lua_pushinteger(L, error);
	return 2;
}

static int l_getgroups(lua_State *L)
{
	lua_settop(L, 0);
	int count = getgroups(0, NULL);
	if (count == -1)
		return fail_getgroups(L);
	lua_createtable(L, count, 0); /* room for all: filling it raises nothing */
	size_t size = count * sizeof(gid_t);
	gid_t *groups = initscript_acquire(L, size);
	int result = getgroups(count, groups);
	for (int i = 0; i < result; i++) {
		lua_pushinteger(L, groups[i]);
		lua_rawseti(L, 1, i + 1);
	}
	initscript_release(L, groups, size);
	if (result == -1) {
		lua_settop(L, 0);
		return fail_getgroups(L);
	}
	lua_pushinteger(L, 0);
	return 2;
}

/* One result each: they cannot fail. */

static int l_getuid(lua_State *L)
{
	lua_pushinteger(L, getuid());
	return 1;
}

static int l_geteuid(lua_State *L)
{
	lua_pushinteger(L, geteuid());
	return 1;
}

static int l_getgid(lua_State *L)
{
	lua_pushinteger(L, getgid());
	return 1;
}

static int l_getegid(lua_State *L)
{
	lua_pushinteger(L, getegid());
	return 1;
}

const struct initscript_function initscript_credential_functions[] = {
        {"setresuid", l_setresuid}, {"setresgid", l_setresgid}, {"setgroups", l_setgroups},
        {"getgroups", l_getgroups}, {"getuid", l_getuid},       {"geteuid", l_geteuid},
        {"getgid", l_getgid},       {"getegid", l_getegid},     {NULL, NULL},
};
