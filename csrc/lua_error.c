/*
 * Raises the error objects of Lua programs. Called by the objects of actors and by package
 * luahost, never for init scripts. No function returns.
 */
#include "lua_error.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char generic[] = "generic", own[] = "initscript";

struct name {
	int value;
	const char *name;
};

static const struct name errno_names[] = {
        {EACCES, "EACCES"},
        {EAGAIN, "EAGAIN"},
        {EBADF, "EBADF"},
        {EBUSY, "EBUSY"},
        {ECHILD, "ECHILD"},
        {ECONNRESET, "ECONNRESET"},
        {EEXIST, "EEXIST"},
        {EFBIG, "EFBIG"},
        {EINVAL, "EINVAL"},
        {EIO, "EIO"},
        {EISDIR, "EISDIR"},
        {ELOOP, "ELOOP"},
        {EMFILE, "EMFILE"},
        {EMSGSIZE, "EMSGSIZE"},
        {ENAMETOOLONG, "ENAMETOOLONG"},
        {ENFILE, "ENFILE"},
        {ENOBUFS, "ENOBUFS"},
        {ENOENT, "ENOENT"},
        {ENOMEM, "ENOMEM"},
        {ENOSPC, "ENOSPC"},
        {ENOSYS, "ENOSYS"},
        {ENOTCONN, "ENOTCONN"},
        {ENOTDIR, "ENOTDIR"},
        {ENOTSOCK, "ENOTSOCK"},
        {ENOTSUP, "ENOTSUP"},
        {ENXIO, "ENXIO"},
        {EPERM, "EPERM"},
        {EPIPE, "EPIPE"},
        {EROFS, "EROFS"},
        {ESPIPE, "ESPIPE"},
        {ESRCH, "ESRCH"},
        {ETXTBSY, "ETXTBSY"},
        {EUSERS, "EUSERS"},
        {ETOOMANYREFS, "ETOOMANYREFS"},
        {0, NULL},
};

static const struct name own_names[] = {
        {INITSCRIPT_CHANNEL_CLOSED, "channel_closed"},
        {INITSCRIPT_NO_SENDERS, "no_senders"},
        {INITSCRIPT_BAD_INDEX, "bad_index"},
        {INITSCRIPT_INVALID_MODULE_NAME, "invalid_module_name"},
        {INITSCRIPT_MODULE_NOT_FOUND, "module_not_found"},
        {0, NULL},
};

static const char *name_of(const char *category, int value)
{
	const struct name *known = strcmp(category, own) == 0 ? own_names : errno_names;
	while (known->name && known->value != value)
		known++;
	return known->name;
}

static int error_to_string(lua_State *L)
{
	lua_getfield(L, 1, "where");
	lua_getfield(L, 1, "message");
	if (!lua_isstring(L, -1) || !lua_isstring(L, -2))
		lua_pushliteral(L, "error");
	else
		lua_concat(L, 2);
	return 1;
}

static void set_metatable(lua_State *L)
{
	if (luaL_newmetatable(L, "initscript.error")) {
		lua_pushcfunction(L, error_to_string);
		lua_setfield(L, -2, "__tostring");
		lua_pushliteral(L, "error_code");
		lua_setfield(L, -2, "__metatable");
	}
	lua_setmetatable(L, -2);
}

/* Replaces the message on the top of the stack by an error object. */
static void make_error(lua_State *L, const char *category, int value, int level)
{
	lua_createtable(L, 0, 6);
	lua_insert(L, -2);
	lua_setfield(L, -2, "message");
	lua_pushstring(L, category);
	lua_setfield(L, -2, "category");
	lua_pushinteger(L, value);
	lua_setfield(L, -2, "value");
	lua_pushstring(L, name_of(category, value));
	lua_setfield(L, -2, "name");
	luaL_where(L, level);
	lua_setfield(L, -2, "where");
	set_metatable(L);
}

static void push_message(lua_State *L, const char *format, va_list arguments)
{
	char message[1024];
	vsnprintf(message, sizeof message, format, arguments);
	lua_pushstring(L, message);
}

void initscript_lua_raise_errno(lua_State *L, int error, int argument, const char *format, ...)
{
	if (format) {
		va_list arguments;
		va_start(arguments, format);
		push_message(L, format, arguments);
		va_end(arguments);
		lua_pushfstring(L, ": %s", strerror(error));
		lua_concat(L, 2);
	} else {
		lua_pushstring(L, strerror(error));
	}
	make_error(L, generic, error, 1);
	if (argument) {
		lua_pushinteger(L, argument);
		lua_setfield(L, -2, "arg");
	}
	lua_error(L);
	__builtin_unreachable();
}

void initscript_lua_raise(lua_State *L, enum initscript_lua_error error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	push_message(L, format, arguments);
	va_end(arguments);
	make_error(L, own, error, 1);
	lua_error(L);
	__builtin_unreachable();
}

int initscript_lua_raise_function(lua_State *L)
{
	const char *category = luaL_checkstring(L, 1);
	int value = luaL_checkint(L, 2);
	luaL_checkstring(L, 4);
	int level = luaL_optint(L, 5, 1);
	lua_pushvalue(L, 4);
	make_error(L, category, value, level);
	lua_pushvalue(L, 3);
	lua_setfield(L, -2, "arg");
	return lua_error(L);
}
