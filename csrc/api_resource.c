/*
 * Calls of scripts for resource limits, getrlimit(2) and setrlimit(2).
 */
#include "api.h"

#include <errno.h>
#include <sys/resource.h>

/* A script writes "no limit" as -1, whatever the C library's value is. */
enum { NO_LIMIT = -1 };

/* Argument ARG as a limit; false for what is neither a limit nor NO_LIMIT: as an unsigned number
 * it would be a very high one. */
static bool read_limit(lua_State *L, int arg, rlim_t *limit)
{
	int64_t value = initscript_exact_integer(L, arg);
	*limit = value == NO_LIMIT ? RLIM_INFINITY : (rlim_t)value;
	return value >= NO_LIMIT;
}

static int l_setrlimit(lua_State *L)
{
	int resource = initscript_exact_int(L, 1);
	struct rlimit limit;
	bool soft_is_good = read_limit(L, 2, &limit.rlim_cur);
	bool hard_is_good = read_limit(L, 3, &limit.rlim_max);
	if (!soft_is_good || !hard_is_good) {
		errno = EINVAL;
		return initscript_result(L, "setrlimit", -1);
	}
	return initscript_result(L, "setrlimit", setrlimit(resource, &limit));
}

static void push_limit(lua_State *L, rlim_t limit)
{
	lua_pushnumber(L, limit == RLIM_INFINITY ? NO_LIMIT : (lua_Number)limit);
}

static int l_getrlimit(lua_State *L)
{
	int resource = initscript_exact_int(L, 1);
	struct rlimit limit;
	if (getrlimit(resource, &limit) == -1) {
		int error = errno;
		initscript_errexit(L, "getrlimit", error, INITSCRIPT_CALL);
		lua_pushnil(L);
		lua_pushnil(L);
		lua_pushinteger(L, error);
		return 3;
	}
	push_limit(L, limit.rlim_cur);
	push_limit(L, limit.rlim_max);
	lua_pushinteger(L, 0);
	return 3;
}

const struct initscript_function initscript_resource_functions[] = {
        {"setrlimit", l_setrlimit},
        {"getrlimit", l_getrlimit},
        {NULL, NULL},
};
