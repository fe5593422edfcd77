/*
 * The tables unix and message of Lua programs, and the types of their objects.
 */
#include "lua_error.h"
#include "lua_objects.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int unix_pipe(lua_State *L)
{
	struct initscript_lua_fd *objects[] = {initscript_lua_push_fd(L),
	                                       initscript_lua_push_fd(L)};
	int pair[2];
	if (pipe2(pair, O_CLOEXEC) != 0)
		initscript_lua_raise_errno(L, errno, 0, "pipe");
	objects[0]->fd = pair[0];
	objects[1]->fd = pair[1];
	return 2;
}

static int unix_seqpacket_pair(lua_State *L)
{
	struct initscript_lua_fd *objects[] = {initscript_lua_push_fd(L),
	                                       initscript_lua_push_fd(L)};
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		initscript_lua_raise_errno(L, errno, 0, "socketpair");
	objects[0]->fd = pair[0];
	objects[1]->fd = pair[1];
	return 2;
}

/* The modes are those of fopen(3). */
static int unix_open(lua_State *L)
{
	static const char *const names[] = {"r", "w", "a", "r+", "w+", "a+", NULL};
	static const int flags[] = {
	        O_RDONLY, O_WRONLY | O_CREAT | O_TRUNC, O_WRONLY | O_CREAT | O_APPEND,
	        O_RDWR,   O_RDWR | O_CREAT | O_TRUNC,   O_RDWR | O_CREAT | O_APPEND,
	};
	size_t length, path_length;
	const char *path = initscript_lua_check_bytes(L, 1, &path_length);
	const char *mode = lua_isnoneornil(L, 2) ? "r" : initscript_lua_check_bytes(L, 2, &length);
	int i = 0;
	while (names[i] && strcmp(names[i], mode) != 0)
		i++;
	if (!names[i])
		initscript_lua_raise_errno(L, EINVAL, 2, "bad argument #2: mode '%s'", mode);
	if (strlen(path) != path_length)
		initscript_lua_raise_errno(L, EINVAL, 1, "bad argument #1: NUL byte in the path");
	struct initscript_lua_fd *object = initscript_lua_push_fd(L);
	object->fd = open(path, flags[i] | O_CLOEXEC, 0666);
	if (object->fd < 0)
		initscript_lua_raise_errno(L, errno, 1, "open %s", path);
	return 1;
}

void initscript_lua_push_unix(lua_State *L)
{
	lua_newtable(L);
	lua_pushcfunction(L, unix_open);
	lua_setfield(L, -2, "open");
	lua_pushcfunction(L, unix_pipe);
	lua_setfield(L, -2, "pipe");
	lua_newtable(L);
	lua_pushcfunction(L, unix_seqpacket_pair);
	lua_setfield(L, -2, "pair");
	lua_setfield(L, -2, "seqpacket_socket");
}

static void check_table(lua_State *L)
{
	if (!lua_istable(L, 1))
		initscript_lua_raise_errno(L, EINVAL, 1, "bad argument #1: table expected, got %s",
		                           luaL_typename(L, 1));
}

static int message_array(lua_State *L)
{
	check_table(L);
	lua_settop(L, 1);
	initscript_message_mark_array(L);
	return 1;
}

static int message_map(lua_State *L)
{
	check_table(L);
	lua_settop(L, 1);
	initscript_message_mark_map(L);
	return 1;
}

void initscript_lua_push_message(lua_State *L)
{
	lua_newtable(L);
	lua_pushcfunction(L, message_array);
	lua_setfield(L, -2, "array");
	lua_pushcfunction(L, message_map);
	lua_setfield(L, -2, "map");
}

void initscript_lua_open_objects(lua_State *L)
{
	initscript_message_open(L);
	initscript_lua_open_fd_type(L);
	initscript_lua_open_channel_type(L);
	initscript_lua_open_inbox_type(L);
}
