//go:build (linux || freebsd) && cgo

#include "host.h"

#include "../csrc/lua_error.h"
#include "../csrc/lua_objects.h"
#include "_cgo_export.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char type_name[] = "initscript.host";

static struct luahost_text text_argument(lua_State *L, int arg)
{
	struct luahost_text text;
	text.bytes = luaL_checklstring(L, arg, &text.length);
	return text;
}

/* Pushes nil, errno, the option, and the message, for prelude.lua to raise. */
static int push_failure(lua_State *L, struct luahost_child *child)
{
	lua_pushnil(L);
	lua_pushinteger(L, child->error);
	lua_pushstring(L, child->argument);
	lua_pushstring(L, child->message);
	free(child->argument);
	free(child->message);
	return 4;
}

/* start(module_kind, module, module_name, script, environment, namespaces, stdin, stdout, stderr,
 * arg), called by prelude.lua with checked arguments. */
static int host_start(lua_State *L)
{
	uintptr_t *host = lua_touserdata(L, lua_upvalueindex(1));
	struct luahost_request request = {
	        .module_kind = luaL_checkint(L, 1),
	        .module = text_argument(L, 2),
	        .module_name = text_argument(L, 3),
	        .script = text_argument(L, 4),
	        .environment = text_argument(L, 5),
	        .namespaces = luaL_checkint(L, 6),
	        .stdio = {luaL_checkint(L, 7), luaL_checkint(L, 8), luaL_checkint(L, 9)},
	        .arg = luaL_checkint(L, 10),
	};
	struct initscript_channel *channel = initscript_lua_push_channel(L);
	struct luahost_child child = {.pidfd = -1, .channel = -1, .inbox = -1};
	luahostStart(*host, &request, &child);
	if (child.error)
		return push_failure(L, &child);
	channel->fd = child.channel;
	channel->pid = child.pid;
	channel->pidfd = child.pidfd;
	channel->child_id = child.id;
	if (!initscript_inbox_add(&channel->answers, child.inbox))
		return luaL_error(L, "not enough memory");
	return 1;
}

static int channel_detach(lua_State *L)
{
	struct initscript_channel *channel = initscript_lua_check_channel(L);
	if (channel->pidfd < 0)
		initscript_lua_raise_errno(L, EINVAL, 1,
		                           "detach: this channel supervises no process");
	int error = luahostDetach(channel->child_id);
	if (error)
		initscript_lua_raise_errno(L, error, 0, "detach");
	close(channel->pidfd);
	channel->pidfd = -1;
	return 0;
}

/* Returns true or nil, "exit" or "signal", the number, and the message of what failed. */
static int channel_wait(lua_State *L)
{
	struct initscript_channel *channel = initscript_lua_check_channel(L);
	if (channel->child_id == 0)
		initscript_lua_raise_errno(L, EINVAL, 1,
		                           "wait: this is not the channel of a child");
	struct luahost_end end = {0};
	luahostWait(channel->child_id, &end);
	if (end.is_signal || end.number)
		lua_pushnil(L);
	else
		lua_pushboolean(L, 1);
	lua_pushstring(L, end.is_signal ? "signal" : "exit");
	lua_pushinteger(L, end.number);
	lua_pushstring(L, end.message);
	free(end.message);
	return 4;
}

/* Returns the number of a file_descriptor, false if it is closed, nil if it is something else. */
static int host_descriptor(lua_State *L)
{
	struct initscript_lua_fd *object = initscript_lua_to_fd(L, 1);
	if (!object)
		lua_pushnil(L);
	else if (object->fd < 0)
		lua_pushboolean(L, 0);
	else
		lua_pushinteger(L, object->fd);
	return 1;
}

static int host_collect(lua_State *L)
{
	uintptr_t *host = lua_touserdata(L, 1);
	if (*host)
		luahostClose(*host);
	*host = 0;
	return 0;
}

static void push_host(lua_State *L, uintptr_t host)
{
	uintptr_t *object = lua_newuserdata(L, sizeof *object);
	*object = 0; /* Go closes it if we fail before the end */
	luaL_newmetatable(L, type_name);
	lua_pushcfunction(L, host_collect);
	lua_setfield(L, -2, "__gc");
	lua_setmetatable(L, -2);
	*object = host;
}

/* golua hides pcall since Lua errors must not cross Go functions; none of ours is ever crossed. */
static void give_back(lua_State *L, const char *name, const char *hidden)
{
	lua_getglobal(L, name);
	lua_getglobal(L, hidden);
	if (lua_isnil(L, -2) && !lua_isnil(L, -1))
		lua_setglobal(L, name);
	else
		lua_pop(L, 1);
	lua_pop(L, 1);
}

struct opening {
	uintptr_t host;
	const char *prelude;
	size_t length;
};

static void push_errnos(lua_State *L)
{
	lua_newtable(L);
	lua_pushinteger(L, EINVAL);
	lua_setfield(L, -2, "EINVAL");
	lua_pushinteger(L, EBUSY);
	lua_setfield(L, -2, "EBUSY");
	lua_pushinteger(L, ENOTSUP);
	lua_setfield(L, -2, "ENOTSUP");
	lua_pushinteger(L, INITSCRIPT_INVALID_MODULE_NAME);
	lua_setfield(L, -2, "invalid_module_name");
	lua_pushinteger(L, INITSCRIPT_MODULE_NOT_FOUND);
	lua_setfield(L, -2, "module_not_found");
}

static int open_host(lua_State *L)
{
	const struct opening *opening = lua_touserdata(L, 1);
	initscript_lua_open_objects(L);
	initscript_channel_collected = luahostForget;
	initscript_lua_set_channel_method(L, "detach", channel_detach);
	initscript_lua_set_channel_method(L, "wait", channel_wait);
	if (luaL_loadbuffer(L, opening->prelude, opening->length, "=luahost") != 0)
		return lua_error(L);
	push_host(L, opening->host);
	lua_pushvalue(L, -1);
	lua_setfield(L, LUA_REGISTRYINDEX, "initscript.open_host");
	lua_pushcclosure(L, host_start, 1);
	lua_pushcfunction(L, host_descriptor);
	lua_pushcfunction(L, initscript_lua_raise_function);
	push_errnos(L);
	lua_call(L, 4, 0);
	initscript_lua_push_unix(L);
	lua_setglobal(L, "unix");
	initscript_lua_push_message(L);
	lua_setglobal(L, "message");
	initscript_lua_push_inbox(L);
	lua_setglobal(L, "inbox");
	give_back(L, "pcall", "unsafe_pcall");
	give_back(L, "xpcall", "unsafe_xpcall");
	return 0;
}

int luahost_is_open(lua_State *L)
{
	lua_getfield(L, LUA_REGISTRYINDEX, "initscript.open_host");
	int is_open = !lua_isnil(L, -1);
	lua_pop(L, 1);
	return is_open;
}

static char *pop_message(lua_State *L)
{
	const char *message = lua_tostring(L, -1);
	char *copied = strdup(message ? message : "(no message)");
	lua_pop(L, 1);
	return copied;
}

char *luahost_open(lua_State *L, uintptr_t host, const char *prelude, size_t length)
{
	struct opening opening = {host, prelude, length};
	return lua_cpcall(L, open_host, &opening) == 0 ? NULL : pop_message(L);
}

/* Message handler: a text with a traceback of any error value. */
static int describe_error(lua_State *L)
{
	if (luaL_callmeta(L, 1, "__tostring") && lua_isstring(L, -1))
		lua_replace(L, 1);
	else if (!lua_isstring(L, 1))
		lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1)),
		        lua_replace(L, 1);
	luaL_traceback(L, L, lua_tostring(L, 1), 1);
	return 1;
}

struct running {
	const char *path;
	char **argv;
	int argc, before;
};

/* As lua(1) does: the program is arg[0], what stands before it has negative indexes. */
static void set_arg(lua_State *L, const struct running *running)
{
	lua_newtable(L);
	for (int i = 0; i < running->argc; i++) {
		lua_pushstring(L, running->argv[i]);
		lua_rawseti(L, -2, i - running->before);
	}
	lua_setglobal(L, "arg");
}

static int run(lua_State *L)
{
	const struct running *running = lua_touserdata(L, 1);
	lua_settop(L, 0);
	set_arg(L, running);
	lua_pushcfunction(L, describe_error);
	const char *path = strcmp(running->path, "-") == 0 ? NULL : running->path;
	if (luaL_loadfilex(L, path, "t") != 0)
		return lua_error(L);
	int arguments = running->argc - running->before - 1;
	luaL_checkstack(L, arguments, "too many arguments");
	for (int i = 1; i <= arguments; i++)
		lua_pushstring(L, running->argv[running->before + i]);
	if (lua_pcall(L, arguments, 0, 1) != 0)
		return lua_error(L);
	return 0;
}

char *luahost_run(lua_State *L, const char *path, char **argv, int argc, int before)
{
	struct running running = {path, argv, argc, before};
	char *message = lua_cpcall(L, run, &running) == 0 ? NULL : pop_message(L);
	fflush(stdout); /* the end of a Go program does not */
	return message;
}
