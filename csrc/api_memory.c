/*
 * Memory for the results of calls, from the script's arena. It is outside of Lua's garbage
 * collection, so nothing may raise an error between taking it and giving it back; when the arena
 * is used up the process ends.
 */
#include "api.h"

#include <errno.h>

void *initscript_acquire(lua_State *L, size_t size)
{
	void *block = initscript_arena_alloc(&initscript_script_of(L)->arena, size);
	if (!block)
		initscript_arena_exhausted(L);
	return block;
}

void initscript_release(lua_State *L, void *block, size_t size)
{
	int error = errno;
	initscript_arena_free(&initscript_script_of(L)->arena, block, size);
	errno = error;
}

struct contents {
	const char *bytes;
	size_t length;
};

static int push_contents(lua_State *L)
{
	const struct contents *contents = lua_touserdata(L, 1);
	lua_pushlstring(L, contents->bytes, contents->length);
	return 1;
}

struct initscript_buffer initscript_buffer_open(lua_State *L, size_t size)
{
	/* Pushed now because it allocates, and so may raise what a finalizer raises. */
	lua_pushcfunction(L, push_contents);
	return (struct initscript_buffer){.bytes = initscript_acquire(L, size), .size = size};
}

void initscript_buffer_drop(lua_State *L, struct initscript_buffer buffer)
{
	lua_pop(L, 1);
	initscript_release(L, buffer.bytes, buffer.size);
}

bool initscript_buffer_push(lua_State *L, struct initscript_buffer buffer, size_t length)
{
	struct contents contents = {.bytes = buffer.bytes, .length = length};
	lua_pushlightuserdata(L, &contents);
	int status = lua_pcall(L, 1, 1, 0);
	initscript_release(L, buffer.bytes, buffer.size);
	return status == 0;
}
