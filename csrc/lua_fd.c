/*
 * The object file_descriptor of Lua programs.
 */
#include "lua_error.h"
#include "lua_objects.h"
#include "util_rights.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct initscript_lua_fd *check_object(lua_State *L, int arg)
{
	struct initscript_lua_fd *object = initscript_lua_to_fd(L, arg);
	if (!object)
		initscript_lua_raise_errno(L, EINVAL, arg,
		                           "bad argument #%d: file_descriptor expected, got %s",
		                           arg, luaL_typename(L, arg));
	return object;
}

/* The descriptor of argument ARG, which has to be open. */
static int check_open(lua_State *L, int arg)
{
	int fd = check_object(L, arg)->fd;
	if (fd < 0)
		initscript_lua_raise_errno(L, EBADF, arg,
		                           "bad argument #%d: the file_descriptor is closed", arg);
	return fd;
}

static size_t check_size(lua_State *L, int arg)
{
	lua_Number size = lua_tonumber(L, arg);
	if (lua_type(L, arg) != LUA_TNUMBER || !(size >= 0 && size <= 1 << 30))
		initscript_lua_raise_errno(L, EINVAL, arg,
		                           "bad argument #%d: number of bytes expected", arg);
	return size;
}

const char *initscript_lua_check_bytes(lua_State *L, int arg, size_t *length)
{
	if (lua_type(L, arg) != LUA_TSTRING)
		initscript_lua_raise_errno(L, EINVAL, arg,
		                           "bad argument #%d: string expected, got %s", arg,
		                           luaL_typename(L, arg));
	return lua_tolstring(L, arg, length);
}

/* Whether a call that has failed is to be repeated: the descriptor may be in non-blocking mode. */
static bool again(int fd, short events)
{
	struct pollfd awaited = {.fd = fd, .events = events};
	if (errno != EAGAIN) /* EINTR: a signal came, or the process was stopped */
		return errno == EINTR;
	return poll(&awaited, 1, -1) >= 0 || errno == EINTR;
}

static int fd_close(lua_State *L)
{
	struct initscript_lua_fd *object = check_object(L, 1);
	int fd = object->fd;
	object->fd = -1;
	if (fd >= 0)
		close(fd);
	return 0;
}

/* Whoever has sent the descriptor may make close(2) wait; nobody waits here. */
static int fd_collect(lua_State *L)
{
	struct initscript_lua_fd *object = lua_touserdata(L, 1);
	if (object->fd >= 0)
		initscript_close_aside(object->fd);
	object->fd = -1;
	return 0;
}

static int fd_dup(lua_State *L)
{
	int fd = check_open(L, 1);
	struct initscript_lua_fd *copy = initscript_lua_push_fd(L);
	copy->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy->fd < 0)
		initscript_lua_raise_errno(L, errno, 0, "dup");
	return 1;
}

/* Hands the descriptor over to a new object, as sockets of Emilua do. */
static int fd_release(lua_State *L)
{
	check_open(L, 1);
	struct initscript_lua_fd *old = check_object(L, 1);
	struct initscript_lua_fd *new = initscript_lua_push_fd(L);
	new->fd = old->fd;
	old->fd = -1;
	return 1;
}

/* nil at the end of the file. */
static int fd_read(lua_State *L)
{
	int fd = check_open(L, 1);
	size_t size = check_size(L, 2);
	char *buffer = lua_newuserdata(L, size ? size : 1);
	ssize_t length;
	while ((length = read(fd, buffer, size)) < 0)
		if (!again(fd, POLLIN))
			initscript_lua_raise_errno(L, errno, 0, "read");
	if (length == 0 && size > 0)
		lua_pushnil(L);
	else
		lua_pushlstring(L, buffer, length);
	return 1;
}

static int fd_write(lua_State *L)
{
	int fd = check_open(L, 1);
	size_t length, done = 0;
	const char *bytes = initscript_lua_check_bytes(L, 2, &length);
	do { /* at least once: an empty packet is one, too */
		ssize_t written = write(fd, bytes + done, length - done);
		if (written >= 0)
			done += written;
		else if (!again(fd, POLLOUT))
			initscript_lua_raise_errno(L, errno, 0, "write: %zu of %zu bytes written",
			                           done, length);
	} while (done < length);
	lua_pushinteger(L, done);
	return 1;
}

/* Collects descriptors to be sent, or owns received ones until each has its object. */
struct rights {
	size_t count;
	int fds[INITSCRIPT_MAX_FDS];
};

static void check_rights(lua_State *L, int arg, struct rights *rights)
{
	rights->count = 0;
	if (lua_isnoneornil(L, arg))
		return;
	if (!lua_istable(L, arg))
		initscript_lua_raise_errno(
		        L, EINVAL, arg,
		        "bad argument #%d: list of file_descriptor expected, got %s", arg,
		        luaL_typename(L, arg));
	size_t count = lua_objlen(L, arg);
	if (count > sizeof rights->fds / sizeof *rights->fds)
		initscript_lua_raise_errno(L, EINVAL, arg,
		                           "bad argument #%d: %zu descriptors, %d can be sent", arg,
		                           count, INITSCRIPT_MAX_FDS);
	for (size_t i = 1; i <= count; i++) {
		lua_rawgeti(L, arg, i);
		struct initscript_lua_fd *object = initscript_lua_to_fd(L, -1);
		if (!object)
			initscript_lua_raise_errno(
			        L, EINVAL, arg,
			        "bad argument #%d: [%zu]: file_descriptor expected, got %s", arg, i,
			        luaL_typename(L, -1));
		if (object->fd < 0)
			initscript_lua_raise_errno(
			        L, EBUSY, arg,
			        "bad argument #%d: [%zu]: the file_descriptor is closed", arg, i);
		rights->fds[rights->count++] = object->fd;
		lua_pop(L, 1);
	}
}

static int fd_send_with_fds(lua_State *L)
{
	int fd = check_open(L, 1);
	size_t length;
	const char *bytes = initscript_lua_check_bytes(L, 2, &length);
	struct rights rights;
	check_rights(L, 3, &rights);
	union initscript_control control;
	struct iovec data = {.iov_base = (char *)bytes, .iov_len = length};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	initscript_put_rights(&message, &control, rights.fds, rights.count);
	ssize_t sent;
	while ((sent = sendmsg(fd, &message, MSG_NOSIGNAL)) < 0)
		if (!again(fd, POLLOUT))
			initscript_lua_raise_errno(L, errno, 0, "sendmsg");
	lua_pushinteger(L, sent);
	return 1;
}

static int rights_collect(lua_State *L)
{
	struct rights *rights = lua_touserdata(L, 1);
	for (size_t i = 0; i < rights->count; i++)
		if (rights->fds[i] >= 0)
			initscript_close_aside(rights->fds[i]);
	rights->count = 0;
	return 0;
}

static struct rights *push_rights(lua_State *L)
{
	struct rights *rights = lua_newuserdata(L, sizeof *rights);
	rights->count = 0;
	if (luaL_newmetatable(L, "initscript.rights")) {
		lua_pushcfunction(L, rights_collect);
		lua_setfield(L, -2, "__gc");
	}
	lua_setmetatable(L, -2);
	return rights;
}

/* Returns the text and a list of objects. */
static int fd_receive_with_fds(lua_State *L)
{
	int fd = check_open(L, 1);
	size_t size = check_size(L, 2);
	char *buffer = lua_newuserdata(L, size ? size : 1);
	struct rights *rights = push_rights(L);
	union initscript_control control;
	struct iovec data = {.iov_base = buffer, .iov_len = size};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	ssize_t length;
	do {
		initscript_await_rights(&message, &control);
		length = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	} while (length < 0 && again(fd, POLLIN));
	if (length < 0)
		initscript_lua_raise_errno(L, errno, 0, "recvmsg");
	rights->count = initscript_take_rights(&message, rights->fds, INITSCRIPT_MAX_FDS);
	if (message.msg_flags & MSG_CTRUNC) {
		lua_pushcfunction(L, rights_collect);
		lua_pushvalue(L, -2);
		lua_call(L, 1, 0);
		initscript_lua_raise_errno(L, EMFILE, 0,
		                           "recvmsg: some descriptors were not received");
	}
	lua_pushlstring(L, buffer, length);
	lua_createtable(L, rights->count, 0);
	for (size_t i = 0; i < rights->count; i++) {
		struct initscript_lua_fd *object = initscript_lua_push_fd(L);
		object->fd = rights->fds[i];
		rights->fds[i] = -1;
		lua_rawseti(L, -2, i + 1);
	}
	return 2;
}

static int fd_to_string(lua_State *L)
{
	int fd = check_object(L, 1)->fd;
	if (fd < 0)
		lua_pushliteral(L, "file_descriptor (closed)");
	else
		lua_pushfstring(L, "file_descriptor (%d)", fd);
	return 1;
}

static const luaL_Reg methods[] = {
        {"close", fd_close},
        {"dup", fd_dup},
        {"release", fd_release},
        {"read", fd_read},
        {"write", fd_write},
        {"send_with_fds", fd_send_with_fds},
        {"receive_with_fds", fd_receive_with_fds},
        {NULL, NULL},
};

void initscript_lua_open_fd_type(lua_State *L)
{
	luaL_newmetatable(L, INITSCRIPT_LUA_FD);
	lua_newtable(L);
	luaL_register(L, NULL, methods);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, fd_collect);
	lua_setfield(L, -2, "__gc");
	lua_pushcfunction(L, fd_to_string);
	lua_setfield(L, -2, "__tostring");
	lua_pushliteral(L, "file_descriptor");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}
