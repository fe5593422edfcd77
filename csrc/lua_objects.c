/*
 * The objects of Lua programs as values: made, and told apart. What they can do is in lua_fd.c,
 * lua_channel.c and lua_inbox.c.
 */
#include "lua_objects.h"

#include <lauxlib.h>

static void *to_object(lua_State *L, int index, const char *name)
{
	void *object = lua_touserdata(L, index);
	if (!object || !lua_getmetatable(L, index))
		return NULL;
	luaL_getmetatable(L, name);
	bool same = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return same ? object : NULL;
}

struct initscript_lua_fd *initscript_lua_push_fd(lua_State *L)
{
	struct initscript_lua_fd *object = lua_newuserdata(L, sizeof *object);
	object->fd = -1;
	luaL_getmetatable(L, INITSCRIPT_LUA_FD);
	lua_setmetatable(L, -2);
	return object;
}

struct initscript_lua_fd *initscript_lua_to_fd(lua_State *L, int index)
{
	return to_object(L, index, INITSCRIPT_LUA_FD);
}

struct initscript_channel *initscript_lua_push_channel(lua_State *L)
{
	struct initscript_channel *channel = lua_newuserdata(L, sizeof *channel);
	*channel = (struct initscript_channel){.fd = -1, .pidfd = -1};
	luaL_getmetatable(L, INITSCRIPT_LUA_CHANNEL);
	lua_setmetatable(L, -2);
	return channel;
}

struct initscript_channel *initscript_lua_to_channel(lua_State *L, int index)
{
	return to_object(L, index, INITSCRIPT_LUA_CHANNEL);
}

struct initscript_inbox *initscript_lua_push_inbox(lua_State *L)
{
	struct initscript_inbox *inbox = lua_newuserdata(L, sizeof *inbox);
	*inbox = (struct initscript_inbox){0};
	luaL_getmetatable(L, INITSCRIPT_LUA_INBOX);
	lua_setmetatable(L, -2);
	return inbox;
}

struct initscript_inbox *initscript_lua_to_inbox(lua_State *L, int index)
{
	return to_object(L, index, INITSCRIPT_LUA_INBOX);
}
