/*
 * Error objects of Lua programs: of hosts and of actors, not of init scripts.
 */
#ifndef INITSCRIPT_LUA_ERROR_H
#define INITSCRIPT_LUA_ERROR_H

#include <lua.h>
#include <stdnoreturn.h>

/* Errors that are no errno value; their category is "initscript". */
enum initscript_lua_error {
	INITSCRIPT_CHANNEL_CLOSED = 1,
	INITSCRIPT_NO_SENDERS,
	INITSCRIPT_BAD_INDEX,
	INITSCRIPT_INVALID_MODULE_NAME,
	INITSCRIPT_MODULE_NOT_FOUND,
};

/* Raises an error object with the fields category ("generic"), value (the errno value), name,
 * arg (the number ARGUMENT, not for 0) and message (from FORMAT; NULL: what strerror(3) says). */
noreturn void initscript_lua_raise_errno(lua_State *L, int error, int argument, const char *format,
                                         ...) __attribute__((format(printf, 4, 5)));

/* The same for the errors above. */
noreturn void initscript_lua_raise(lua_State *L, enum initscript_lua_error error,
                                   const char *format, ...) __attribute__((format(printf, 3, 4)));

/* For Lua code: raise(category, value, arg, message [, level]). The level is that of error(). */
int initscript_lua_raise_function(lua_State *L);

#endif
