/*
 * Calls of scripts that execute a program in the script's own process. The guard is renewed and
 * the host told before; if the call fails the host is told that the script goes on, and nothing of
 * the vectors is left.
 */
#include "api.h"
#include "script_guard.h"
#include "tell_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* argv and envp of both calls are the arguments 2 and 3. */
enum { ARGV = 2, ENVP = 3 };

/* Both vectors, and the text of the environment, in one block. The strings of argv stay where
 * Lua has them: nothing that could free them runs before the call. */
struct vectors {
	char **argv, **envp;
	size_t argc, envc, text_size, block_size;
};

static noreturn void die_of_shape(lua_State *L, const char *name)
{
	lua_settop(L, ENVP);
	initscript_die(L, name, EINVAL);
}

/* Whether the vector in ARG is there at all: nil is an empty one. */
static bool has_vector(lua_State *L, int arg, const char *name)
{
	if (!lua_isnil(L, arg) && !lua_istable(L, arg))
		die_of_shape(L, name);
	return lua_istable(L, arg);
}

static void measure_argv(lua_State *L, const char *name, struct vectors *v)
{
	if (!has_vector(L, ARGV, name))
		return;
	for (;; v->argc++) {
		lua_rawgeti(L, ARGV, v->argc + 1);
		int type = lua_type(L, -1);
		lua_pop(L, 1);
		if (type == LUA_TNIL)
			return;
		if (type != LUA_TSTRING)
			die_of_shape(L, name);
	}
}

static void measure_envp(lua_State *L, const char *name, struct vectors *v)
{
	if (!has_vector(L, ENVP, name))
		return;
	for (lua_pushnil(L); lua_next(L, ENVP); lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
			die_of_shape(L, name);
		v->envc++;
		v->text_size += lua_objlen(L, -2) + sizeof "=" + lua_objlen(L, -1);
	}
}

static char *append(lua_State *L, int index, char *end)
{
	size_t length;
	const char *bytes = lua_tolstring(L, index, &length);
	memcpy(end, bytes, length);
	return end + length;
}

static void fill(lua_State *L, struct vectors *v, void *block)
{
	v->argv = block;
	v->envp = v->argv + v->argc + 1;
	char *text = (char *)(v->envp + v->envc + 1);

	for (size_t i = 0; i < v->argc; i++) {
		lua_rawgeti(L, ARGV, i + 1);
		v->argv[i] = (char *)lua_tostring(L, -1);
		lua_pop(L, 1);
	}
	v->argv[v->argc] = NULL;

	char **variable = v->envp;
	if (v->envc > 0) {
		for (lua_pushnil(L); lua_next(L, ENVP); lua_pop(L, 1)) {
			*variable++ = text;
			text = append(L, -2, text);
			*text++ = '=';
			text = append(L, -1, text);
			*text++ = '\0';
		}
	}
	*variable = NULL;
}

static struct vectors take_vectors(lua_State *L, const char *name)
{
	struct vectors v = {0};
	measure_argv(L, name, &v);
	measure_envp(L, name, &v);
	v.block_size = (v.argc + 1 + v.envc + 1) * sizeof(char *) + v.text_size;
	fill(L, &v, initscript_acquire(L, v.block_size));
	return v;
}

/* What must happen right before the script's process becomes another program. */
static void announce(lua_State *L, const char *path)
{
	fflush(stdout);
	initscript_guard_before_exec(L);
	initscript_report_exec(L, path);
}

static int fail(lua_State *L, const char *name, struct vectors *v)
{
	int error = errno;
	initscript_release(L, v->argv, v->block_size);
	initscript_report_no_exec(L);
	errno = error;
	return initscript_result(L, name, -1);
}

static int l_execve(lua_State *L)
{
	lua_settop(L, ENVP);
	const char *path = luaL_checkstring(L, 1);
	struct vectors v = take_vectors(L, "execve");
	announce(L, path);
	execve(path, v.argv, v.envp);
	return fail(L, "execve", &v);
}

static int l_fexecve(lua_State *L)
{
	lua_settop(L, ENVP);
	int fd = initscript_fd(L, 1);
	struct vectors v = take_vectors(L, "fexecve");
	char path[32];
	snprintf(path, sizeof path, "/dev/fd/%d", fd); /* as execveat(2) names it */
	announce(L, path);
	fexecve(fd, v.argv, v.envp);
	return fail(L, "fexecve", &v);
}

const struct initscript_function initscript_exec_functions[] = {
        {"execve", l_execve},
        {"fexecve", l_fexecve},
        {NULL, NULL},
};
