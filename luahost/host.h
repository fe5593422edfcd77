/*
 * Between Lua and Go: requests of spawn_vm, and what becomes of them. Errors are values on the way
 * through Go; they are raised in Lua, so that no Lua error unwinds through a Go function.
 */
#ifndef LUAHOST_HOST_H
#define LUAHOST_HOST_H

#include <lua.h>
#include <stddef.h>
#include <stdint.h>

struct luahost_text {
	const char *bytes;
	size_t length;
};

enum luahost_module_kind { LUAHOST_NO_MODULE, LUAHOST_PATH, LUAHOST_SOURCE };

/* Descriptors that are none. */
enum { LUAHOST_BROKEN = -1, LUAHOST_SHARED = -2 };

struct luahost_request {
	int module_kind;
	struct luahost_text module, module_name, script;
	struct luahost_text environment; /* "key=value" and a NUL byte, repeated */
	unsigned namespaces;             /* initscript.Namespaces */
	int stdio[3];                    /* or one of the values above */
	int arg;                         /* -1: none */
};

struct luahost_child {
	uint64_t id;
	int pid, pidfd, channel, inbox;
	int error;      /* errno value, 0 on success */
	char *argument; /* which option is wrong, or NULL; to be freed */
	char *message;  /* to be freed */
};

struct luahost_end {
	int is_signal, number;
	char *message; /* why, or NULL; to be freed */
};

/* Adds the binding to L. HOST is what Go calls it; PRELUDE is prelude.lua. Returns NULL or a
 * message to be freed. */
char *luahost_open(lua_State *L, uintptr_t host, const char *prelude, size_t length);

/* Whether luahost_open() has succeeded on L before. */
int luahost_is_open(lua_State *L);

/* Runs the Lua program PATH, "-" for the standard input, with BEFORE strings of ARGV before it.
 * Returns NULL or a message with a traceback, to be freed. Flushes the standard output. */
char *luahost_run(lua_State *L, const char *path, char **argv, int argc, int before);

#endif
