/*
 * Calls of scripts for namespaces: unshare(2), setns(2).
 */
#include "api.h"

#include <sched.h>

static int l_unshare(lua_State *L)
{
	int flags = initscript_integer(L, 1);
	return initscript_result(L, "unshare", unshare(flags));
}

static int l_setns(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	int type = initscript_integer(L, 2);
	return initscript_result(L, "setns", setns(fd, type));
}

const struct initscript_function initscript_namespace_functions[] = {
        {"unshare", l_unshare},
        {"setns", l_setns},
        {NULL, NULL},
};
