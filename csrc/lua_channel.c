/*
 * The object channel of Lua programs: the address of an inbox. In a host that of a child can do
 * more; its supervision is in package luahost.
 */
#include "lua_error.h"
#include "lua_objects.h"
#include "sys_process.h"

#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

void (*initscript_channel_collected)(uint64_t child_id);

struct initscript_channel *initscript_lua_check_channel(lua_State *L)
{
	struct initscript_channel *channel = initscript_lua_to_channel(L, 1);
	if (!channel)
		initscript_lua_raise_errno(L, EINVAL, 1,
		                           "bad argument #1: channel expected, got %s",
		                           luaL_typename(L, 1));
	return channel;
}

static void check_open(lua_State *L, const struct initscript_channel *channel, const char *what)
{
	if (channel->fd < 0)
		initscript_lua_raise(L, INITSCRIPT_CHANNEL_CLOSED, "%s: the channel is closed",
		                     what);
}

static int channel_send(lua_State *L)
{
	struct initscript_channel *channel = initscript_lua_check_channel(L);
	check_open(L, channel, "send");
	lua_settop(L, 2);
	initscript_message_send(L, 2, channel->fd);
	return 0;
}

static int channel_receive(lua_State *L)
{
	struct initscript_channel *channel = initscript_lua_check_channel(L);
	check_open(L, channel, "receive");
	return initscript_inbox_receive(L, &channel->answers);
}

static void close_channel(struct initscript_channel *channel)
{
	if (channel->fd >= 0)
		initscript_close_aside(channel->fd);
	if (channel->pidfd >= 0)
		close(channel->pidfd);
	channel->fd = channel->pidfd = -1;
	initscript_inbox_close(&channel->answers);
}

static int channel_close(lua_State *L)
{
	struct initscript_channel *channel = initscript_lua_check_channel(L);
	initscript_inbox_check_idle(L, &channel->answers);
	close_channel(channel);
	return 0;
}

static int check_signal(lua_State *L)
{
	lua_Number number = lua_isnoneornil(L, 2) ? SIGKILL : lua_tonumber(L, 2);
	if (!lua_isnoneornil(L, 2) && lua_type(L, 2) != LUA_TNUMBER)
		initscript_lua_raise_errno(
		        L, EINVAL, 2,
		        "kill: bad argument #2: signal number or nil expected, got %s",
		        luaL_typename(L, 2));
	if (number != floor(number) || number < 0 || number > SIGRTMAX)
		initscript_lua_raise_errno(L, EINVAL, 2, "kill: bad argument #2: no such signal");
	return number;
}

/* As in Emilua any signal is followed by SIGKILL, and the channel is closed. */
static int channel_kill(lua_State *L)
{
	struct initscript_channel *channel = initscript_lua_check_channel(L);
	int number = check_signal(L);
	check_open(L, channel, "kill");
	initscript_inbox_check_idle(L, &channel->answers);
	if (channel->pidfd < 0)
		initscript_lua_raise_errno(L, EPERM, 0, "kill: this channel supervises no process");
	if (number != SIGKILL && initscript_signal_process(channel->pidfd, number) != 0)
		initscript_lua_raise_errno(L, errno, 0, "kill: pidfd_send_signal");
	initscript_signal_process(channel->pidfd, SIGKILL); /* ESRCH: it has ended already */
	close_channel(channel);
	return 0;
}

/* A host replaces it. */
static int channel_detach(lua_State *L)
{
	initscript_lua_check_channel(L);
	initscript_lua_raise_errno(L, EINVAL, 1, "detach: this channel supervises no process");
}

static int channel_index(lua_State *L)
{
	struct initscript_channel *channel = initscript_lua_check_channel(L);
	const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
	if (strcmp(key, "child_pid") == 0) {
		if (channel->pidfd < 0)
			initscript_lua_raise_errno(L, EINVAL, 0,
			                           "child_pid: this channel supervises no process");
		lua_pushinteger(L, channel->pid);
		return 1;
	}
	lua_pushvalue(L, 2);
	lua_rawget(L, lua_upvalueindex(1));
	if (lua_isnil(L, -1))
		initscript_lua_raise(L, INITSCRIPT_BAD_INDEX, "a channel has no member '%.40s'",
		                     key);
	return 1;
}

static int channel_collect(lua_State *L)
{
	struct initscript_channel *channel = lua_touserdata(L, 1);
	close_channel(channel);
	if (channel->child_id && initscript_channel_collected)
		initscript_channel_collected(channel->child_id);
	channel->child_id = 0;
	return 0;
}

static int channel_to_string(lua_State *L)
{
	lua_pushfstring(L, "channel (%p)", lua_topointer(L, 1));
	return 1;
}

static const luaL_Reg methods[] = {
        {"send", channel_send}, {"receive", channel_receive}, {"close", channel_close},
        {"kill", channel_kill}, {"detach", channel_detach},   {NULL, NULL},
};

static const char methods_key; /* its address is the key in the registry */

void initscript_lua_open_channel_type(lua_State *L)
{
	luaL_newmetatable(L, INITSCRIPT_LUA_CHANNEL);
	lua_newtable(L);
	luaL_register(L, NULL, methods);
	lua_pushlightuserdata(L, (void *)&methods_key);
	lua_pushvalue(L, -2);
	lua_rawset(L, LUA_REGISTRYINDEX);
	lua_pushcclosure(L, channel_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, channel_collect);
	lua_setfield(L, -2, "__gc");
	lua_pushcfunction(L, channel_to_string);
	lua_setfield(L, -2, "__tostring");
	lua_pushliteral(L, "ipc_actor_channel");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}

void initscript_lua_set_channel_method(lua_State *L, const char *name, lua_CFunction method)
{
	lua_pushlightuserdata(L, (void *)&methods_key);
	lua_rawget(L, LUA_REGISTRYINDEX);
	lua_pushcfunction(L, method);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
}
