/*
 * Number fields of tables that are arguments of calls. What is neither a number nor absent ends
 * the process, whatever errexit says: the kernel would take a 0, which often means that nothing is
 * restricted.
 */
#include "api.h"

#include <errno.h>

static uint64_t field_type_checked(lua_State *L, const char *part)
{
	int type = lua_type(L, -1);
	uint64_t value = type == LUA_TNUMBER ? initscript_integer(L, -1) : 0;
	lua_pop(L, 1);
	if (type != LUA_TNUMBER && type != LUA_TNIL)
		initscript_die(L, part, EINVAL);
	return value;
}

uint64_t initscript_exact_field(lua_State *L, int index, const char *name, const char *part)
{
	lua_pushstring(L, name);
	lua_rawget(L, index);
	lua_Number number = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
	if (!initscript_is_integer(number))
		luaL_argerror(L, index,
		              lua_pushfstring(L, "%s: %f is not an integer", name, number));
	return field_type_checked(L, part);
}

uint64_t initscript_number_field(lua_State *L, int index, const char *name, const char *part)
{
	lua_pushstring(L, name);
	lua_rawget(L, index);
	return field_type_checked(L, part);
}
