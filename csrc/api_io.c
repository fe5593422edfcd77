/*
 * Calls of scripts to read, write, open, close and duplicate. closefrom leaves the launcher's
 * descriptors open.
 */
#include "api.h"
#include "util_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail_read(lua_State *L, int error)
{
	initscript_errexit(L, "read", error, INITSCRIPT_CALL);
	lua_pushnil(L);
	lua_pushinteger(L, error);
	return 2;
}

static int l_read(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	int64_t size = initscript_integer(L, 2);
	if (size < 0)
		return fail_read(L, EINVAL);
	struct initscript_buffer buffer = initscript_buffer_open(L, size);
	ssize_t length = read(fd, buffer.bytes, size);
	if (length == -1) {
		int error = errno;
		initscript_buffer_drop(L, buffer);
		return fail_read(L, error);
	}
	if (!initscript_buffer_push(L, buffer, length))
		return lua_error(L);
	lua_pushinteger(L, 0);
	return 2;
}

static int l_write(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	size_t length;
	const char *bytes = initscript_bytes(L, 2, &length);
	return initscript_result(L, "write", write(fd, bytes, length));
}

static int l_open(lua_State *L)
{
	lua_settop(L, 3);
	const char *path = luaL_checkstring(L, 1);
	int flags = initscript_integer(L, 2);
	mode_t mode = lua_isnil(L, 3) ? 0 : initscript_integer(L, 3);
	return initscript_result(L, "open", open(path, flags, mode));
}

static int l_close(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	return initscript_result(L, "close", close(fd));
}

/* No result and no error, as in Emilua. */
static int l_closefrom(lua_State *L)
{
	int low = initscript_integer(L, 1);
	unsigned first = low < 0 ? 0 : low;
	const struct initscript_script *script = initscript_script_of(L);
	unsigned hidden = script->hidden, hidden_end = script->hidden_end;
	if (first < hidden_end) {
		if (first < hidden)
			initscript_close_range(first, hidden - 1);
		first = hidden_end;
	}
	initscript_close_range(first, ~0U);
	return 0;
}

static int l_dup(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	return initscript_result(L, "dup", dup(fd));
}

static int l_dup2(lua_State *L)
{
	int old_fd = initscript_fd(L, 1);
	int new_fd = initscript_fd(L, 2);
	return initscript_result(L, "dup2", dup2(old_fd, new_fd));
}

static int l_socket(lua_State *L)
{
	int domain = initscript_integer(L, 1);
	int type = initscript_integer(L, 2);
	int protocol = initscript_integer(L, 3);
	return initscript_result(L, "socket", socket(domain, type, protocol));
}

static int l_listen(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	int backlog = initscript_integer(L, 2);
	return initscript_result(L, "listen", listen(fd, backlog));
}

const struct initscript_function initscript_io_functions[] = {
        {"read", l_read},   {"write", l_write},   {"open", l_open},
        {"close", l_close}, {"dup", l_dup},       {"closefrom", l_closefrom},
        {"dup2", l_dup2},   {"socket", l_socket}, {"listen", l_listen},
        {NULL, NULL},
};
