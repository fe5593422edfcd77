/*
 * What Lua cannot say by itself: whether a table is a list or a map, and integers of 64 bits.
 */
#include "message.h"

#include <lauxlib.h>
#include <string.h>

/* Their addresses are the keys of the registry: looking them up allocates nothing. */
static const char array_key, map_key, int64_key, classify_key;

static void push_registered(lua_State *L, const void *key)
{
	lua_pushlightuserdata(L, (void *)key);
	lua_rawget(L, LUA_REGISTRYINDEX);
}

static void register_mark(lua_State *L, const void *key, const char *name)
{
	lua_pushlightuserdata(L, (void *)key);
	lua_createtable(L, 0, 1);
	lua_pushstring(L, name);
	lua_setfield(L, -2, "__metatable");
	lua_rawset(L, LUA_REGISTRYINDEX);
}

void initscript_message_mark_array(lua_State *L)
{
	push_registered(L, &array_key);
	lua_setmetatable(L, -2);
}

void initscript_message_mark_map(lua_State *L)
{
	push_registered(L, &map_key);
	lua_setmetatable(L, -2);
}

enum initscript_mark initscript_message_mark(lua_State *L, int index)
{
	if (!lua_getmetatable(L, index))
		return INITSCRIPT_MARK_NONE;
	enum initscript_mark mark = INITSCRIPT_MARK_FOREIGN;
	push_registered(L, &array_key);
	if (lua_rawequal(L, -1, -2))
		mark = INITSCRIPT_MARK_ARRAY;
	push_registered(L, &map_key);
	if (lua_rawequal(L, -1, -3))
		mark = INITSCRIPT_MARK_MAP;
	lua_pop(L, 3);
	return mark;
}

/* The C API of LuaJIT knows nothing of cdata but lua_topointer(). */
static const char int64_source[] =
        "local ffi = require 'ffi'\n"
        "local int64, uint64 = ffi.typeof 'int64_t', ffi.typeof 'uint64_t'\n"
        "return function(value)\n"
        "    if value == true then return int64() elseif value == false then return uint64() end\n"
        "    return ffi.istype(int64, value) and 1 or ffi.istype(uint64, value) and 2 or 0\n"
        "end\n";

/* Pushes the function above. Loaded when it is needed first, which is never in most programs. */
static void push_int64_function(lua_State *L)
{
	push_registered(L, &int64_key);
	if (!lua_isnil(L, -1))
		return;
	lua_pop(L, 1);
	if (luaL_loadbuffer(L, int64_source, sizeof int64_source - 1, "=int64") != 0)
		lua_error(L);
	lua_call(L, 0, 1);
	lua_pushlightuserdata(L, (void *)&int64_key);
	lua_pushvalue(L, -2);
	lua_rawset(L, LUA_REGISTRYINDEX);
}

static int classify_int64(lua_State *L)
{
	push_int64_function(L);
	lua_insert(L, 1);
	lua_call(L, 1, 1);
	return 1;
}

void initscript_message_open(lua_State *L)
{
	register_mark(L, &array_key, "array");
	register_mark(L, &map_key, "map");
	lua_pushlightuserdata(L, (void *)&classify_key);
	lua_pushcfunction(L, classify_int64);
	lua_rawset(L, LUA_REGISTRYINDEX);
}

/* Raises nothing: a message is being encoded. */
enum initscript_int64 initscript_message_to_int64(lua_State *L, int index, uint64_t *bits)
{
	enum initscript_int64 kind = INITSCRIPT_NO_INT64;
	push_registered(L, &classify_key);
	lua_pushvalue(L, index);
	if (lua_pcall(L, 1, 1, 0) == 0)
		kind = lua_tointeger(L, -1);
	lua_pop(L, 1);
	if (kind != INITSCRIPT_NO_INT64)
		memcpy(bits, lua_topointer(L, index), sizeof *bits);
	return kind;
}

void initscript_message_push_int64(lua_State *L, uint64_t bits, bool is_signed)
{
	push_int64_function(L);
	lua_pushboolean(L, is_signed);
	lua_call(L, 1, 1);
	memcpy((void *)lua_topointer(L, -1), &bits, sizeof bits); /* nobody else has it yet */
}
