/*
 * Arguments of calls, as scripts write them, to what C functions take. The calls use it, and so do
 * guard and notes, which look at arguments after a call. It raises Lua errors, takes no memory
 * that Lua would not free, and lets no descriptor of the launcher through.
 */
#include "script_arguments.h"

#include <limits.h>
#include <math.h>
#include <string.h>

int64_t initscript_integer(lua_State *L, int arg)
{
	/* luaL_checkinteger() differs by architecture for what does not fit. */
	lua_Number number = luaL_checknumber(L, arg);
	if (number >= -0x1p63 && number < 0x1p63)
		return number;
	return INT64_MIN;
}

bool initscript_is_integer(lua_Number number)
{
	return floor(number) == number && !isinf(number);
}

int64_t initscript_exact(lua_State *L, int arg, int64_t min, int64_t max)
{
	lua_Number number = luaL_checknumber(L, arg);
	if (!initscript_is_integer(number) || number < min || number > max)
		luaL_argerror(L, arg,
		              lua_pushfstring(L, "%f is not an integer from %f to %f", number,
		                              (lua_Number)min, (lua_Number)max));
	return number;
}

int initscript_exact_int(lua_State *L, int arg)
{
	return initscript_exact(L, arg, INT_MIN, INT_MAX);
}

unsigned initscript_exact_flags(lua_State *L, int arg)
{
	return initscript_exact(L, arg, INT_MIN, UINT_MAX);
}

uint32_t initscript_exact_id(lua_State *L, int arg)
{
	return initscript_exact(L, arg, -1, UINT32_MAX);
}

int64_t initscript_exact_integer(lua_State *L, int arg)
{
	lua_Number number = luaL_checknumber(L, arg);
	if (!initscript_is_integer(number))
		luaL_argerror(L, arg, lua_pushfstring(L, "%f is not an integer", number));
	return initscript_integer(L, arg);
}

const char *initscript_exact_path(lua_State *L, int arg)
{
	size_t length;
	const char *path = luaL_checklstring(L, arg, &length);
	if (strlen(path) != length)
		luaL_argerror(L, arg, lua_pushfstring(L, "\"%s\" is followed by a NUL byte", path));
	return path;
}

const char *initscript_bytes(lua_State *L, int arg, size_t *length)
{
	const char *bytes = lua_tolstring(L, arg, length);
	if (bytes)
		return bytes;
	*length = 0;
	return "";
}

bool initscript_is_text(lua_State *L, int index, const char *text)
{
	size_t length;
	const char *bytes = lua_tolstring(L, index, &length);
	return bytes && length == strlen(text) && memcmp(bytes, text, length) == 0;
}

static bool add_flag(lua_State *L, const struct initscript_flag *known, uint64_t *set)
{
	if (lua_type(L, -1) != LUA_TSTRING)
		return false;
	for (; known->name; known++) {
		if (initscript_is_text(L, -1, known->name)) {
			*set |= known->bit;
			return true;
		}
	}
	return false;
}

bool initscript_flags(lua_State *L, int index, const struct initscript_flag *known, uint64_t *set)
{
	for (int i = 1;; i++) {
		lua_rawgeti(L, index, i);
		bool end = lua_isnil(L, -1);
		bool good = end || add_flag(L, known, set);
		lua_pop(L, 1);
		if (end || !good)
			return good;
	}
}

void initscript_exact_list(lua_State *L, int index, int arg, const char *field)
{
	lua_Number count = 0, highest = 0;
	bool is_list = true;
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
		lua_Number key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
		is_list = is_list && key >= 1 && initscript_is_integer(key);
		if (key > highest)
			highest = key;
		count++;
	}
	if (!is_list || highest != count)
		luaL_argerror(L, arg,
		              lua_pushfstring(L, "%s%s", field ? field : "the table",
		                              " is no list: it has a hole, or other keys"));
}

/* Above what the kernel gives. Some calls take -1 for something else. */
enum { NEVER_OPEN = INT_MAX };

static int unless_hidden(lua_State *L, int fd)
{
	const struct initscript_script *script = initscript_script_of(L);
	return fd >= script->hidden && fd < script->hidden_end ? NEVER_OPEN : fd;
}

int initscript_fd(lua_State *L, int arg)
{
	return unless_hidden(L, initscript_integer(L, arg));
}

int initscript_exact_fd(lua_State *L, int arg)
{
	return unless_hidden(L, initscript_exact_int(L, arg));
}
