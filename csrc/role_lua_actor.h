/*
 * A Lua program in the process of an actor.
 */
#ifndef INITSCRIPT_ROLE_LUA_ACTOR_H
#define INITSCRIPT_ROLE_LUA_ACTOR_H

#include "wire.h"

#include <stddef.h>
#include <stdnoreturn.h>

struct initscript_lua_actor {
	int start_socket;
	int parent_fd; /* the sending end of the channel to the host */
	unsigned extra_files;
	void *plan; /* mapped; unmapped before the program runs */
	size_t plan_size;
};

/* Runs the module of the plan in a new Lua state, and ends the process: with status 0 after it, 1
 * for an error, which is told on stderr and as INITSCRIPT_ENTRY_FAILED. */
noreturn void initscript_run_lua_actor(const struct initscript_lua_actor *actor);

#endif
