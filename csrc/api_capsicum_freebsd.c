/*
 * Calls of scripts for Capsicum: capability mode, and what must be prepared before it.
 */
#include "api.h"

#include <sys/types.h>

#include <capsicum_helpers.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/capsicum.h>

static int l_cap_enter(lua_State *L)
{
	return initscript_result(L, "cap_enter", cap_enter());
}

static int l_caph_limit_stdio(lua_State *L)
{
	return initscript_result(L, "caph_limit_stdio", caph_limit_stdio());
}

/* No result, as in Emilua. The zone stays in TZ: without it the next look at the clock would ask
 * for that of the system, which capability mode hides. */
static int l_caph_cache_tzdata(lua_State *L)
{
	if (!lua_isnoneornil(L, 1) && lua_type(L, 1) != LUA_TSTRING)
		initscript_die(L, "caph_cache_tzdata", EINVAL);
	if (lua_type(L, 1) == LUA_TSTRING && setenv("TZ", lua_tostring(L, 1), 1) != 0)
		initscript_die(L, "caph_cache_tzdata", errno);
	caph_cache_tzdata();
	return 0;
}

const struct initscript_function initscript_capsicum_functions[] = {
        {"cap_enter", l_cap_enter},
        {"caph_limit_stdio", l_caph_limit_stdio},
        {"caph_cache_tzdata", l_caph_cache_tzdata},
        {NULL, NULL},
};
