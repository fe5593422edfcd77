/*
 * The global functions beside the table C: write_all, descriptors over sockets, and others that
 * Emilua has. The environment sets them as globals, traced if the script is.
 */
#include "api.h"
#include "util_rights.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#if __has_include(<sys/sysmacros.h>) /* major() and minor() with glibc, musl */
#include <sys/sysmacros.h>
#endif

static int l_mode(lua_State *L)
{
	uint32_t user = initscript_integer(L, 1);
	uint32_t group = initscript_integer(L, 2);
	uint32_t other = initscript_integer(L, 3);
	uint32_t mode = user << 6 | group << 3 | other;
	lua_pushnumber(L, mode);
	return 1;
}

static int l_major(lua_State *L)
{
	int device = initscript_integer(L, 1);
	lua_pushnumber(L, major((dev_t)device));
	return 1;
}

static int l_minor(lua_State *L)
{
	int device = initscript_integer(L, 1);
	lua_pushnumber(L, minor((dev_t)device));
	return 1;
}

/* The first result is what was written, also after a failure. */
static int l_write_all(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	size_t length, done = 0;
	const char *bytes = initscript_bytes(L, 2, &length);
	int error = 0;
	while (done < length) {
		ssize_t written = write(fd, bytes + done, length - done);
		if (written == -1) {
			error = errno;
			initscript_errexit(L, "write_all", error, INITSCRIPT_NAMED);
			break;
		}
		done += written;
	}
	lua_pushinteger(L, done);
	lua_pushinteger(L, error);
	return 2;
}

static int fail_receive(lua_State *L, int error)
{
	initscript_errexit(L, "receive_with_fd", error, INITSCRIPT_PLAIN);
	lua_pushnil(L);
	lua_pushinteger(L, -1);
	lua_pushinteger(L, error);
	return 3;
}

static int l_receive_with_fd(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	int64_t size = initscript_integer(L, 2);
	if (size < 0)
		return fail_receive(L, EINVAL);
	struct initscript_buffer buffer = initscript_buffer_open(L, size);
	union initscript_control control;
	struct iovec data = {.iov_base = buffer.bytes, .iov_len = size};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	initscript_await_rights(&message, &control);
	ssize_t length = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	if (length == -1) {
		int error = errno;
		initscript_buffer_drop(L, buffer);
		return fail_receive(L, error);
	}
	int received = -1; /* all but the first descriptor are closed */
	initscript_take_rights(&message, &received, 1);
	if (!initscript_buffer_push(L, buffer, length)) {
		if (received != -1)
			close(received);
		return lua_error(L);
	}
	lua_pushinteger(L, received);
	lua_pushinteger(L, 0);
	return 3;
}

static int l_send_with_fd(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	size_t length;
	const char *bytes = initscript_bytes(L, 2, &length);
	int sent_fd = initscript_fd(L, 3);
	union initscript_control control;
	struct iovec data = {.iov_base = (char *)bytes, .iov_len = length};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	initscript_put_rights(&message, &control, &sent_fd, 1);
	return initscript_result_styled(L, "send_with_fd", sendmsg(fd, &message, MSG_NOSIGNAL),
	                                INITSCRIPT_PLAIN);
}

static int l_set_no_new_privs(lua_State *L)
{
	return initscript_result_styled(L, "set_no_new_privs", initscript_no_new_privs(L),
	                                INITSCRIPT_PLAIN);
}

static int l_bind_unix(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	size_t length;
	const char *path = luaL_checklstring(L, 2, &length);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	bool is_abstract = length > 0 && path[0] == '\0';
	size_t size = is_abstract ? length : length + 1; /* else its NUL belongs to it */
	if (size > sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return initscript_result_styled(L, "bind_unix", -1, INITSCRIPT_PLAIN);
	}
	memcpy(address.sun_path, path, size);
	size += offsetof(struct sockaddr_un, sun_path);
	return initscript_result_styled(L, "bind_unix", bind(fd, (struct sockaddr *)&address, size),
	                                INITSCRIPT_PLAIN);
}

const struct initscript_function initscript_helpers[] = {
        {"mode", l_mode},
        {"write_all", l_write_all},
        {"receive_with_fd", l_receive_with_fd},
        {"send_with_fd", l_send_with_fd},
        {"set_no_new_privs", l_set_no_new_privs},
        {"bind_unix", l_bind_unix},
        {"major", l_major},
        {"minor", l_minor},
        {NULL, NULL},
};
