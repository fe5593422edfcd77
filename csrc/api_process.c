/*
 * Calls of scripts for processes and sessions, and for the names of the machine.
 */
#include "api.h"

#include <unistd.h>

static int l_setsid(lua_State *L)
{
	return initscript_result(L, "setsid", setsid());
}

static int l_setpgid(lua_State *L)
{
	pid_t pid = initscript_integer(L, 1);
	pid_t pgid = initscript_integer(L, 2);
	return initscript_result(L, "setpgid", setpgid(pid, pgid));
}

static int l_getpgid(lua_State *L)
{
	pid_t pid = initscript_exact_int(L, 1);
	return initscript_result(L, "getpgid", getpgid(pid));
}

static int l_getsid(lua_State *L)
{
	pid_t pid = initscript_exact_int(L, 1);
	return initscript_result(L, "getsid", getsid(pid));
}

/* One result each: they cannot fail. */

static int l_getpid(lua_State *L)
{
	lua_pushinteger(L, getpid());
	return 1;
}

static int l_getppid(lua_State *L)
{
	lua_pushinteger(L, getppid());
	return 1;
}

static int l_sethostname(lua_State *L)
{
	size_t length;
	const char *name = initscript_bytes(L, 1, &length);
	return initscript_result(L, "sethostname", sethostname(name, length));
}

static int l_setdomainname(lua_State *L)
{
	size_t length;
	const char *name = initscript_bytes(L, 1, &length);
	return initscript_result(L, "setdomainname", setdomainname(name, length));
}

const struct initscript_function initscript_process_functions[] = {
        {"setsid", l_setsid},
        {"setpgid", l_setpgid},
        {"getpgid", l_getpgid},
        {"getsid", l_getsid},
        {"getpid", l_getpid},
        {"getppid", l_getppid},
        {"sethostname", l_sethostname},
        {"setdomainname", l_setdomainname},
        {NULL, NULL},
};
