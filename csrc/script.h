/*
 * What one script is: the types that those who run it, its calls, and those who tell of it share.
 *
 * Everything here is for one thread, and for a lua_State that initscript_script_open() has made.
 */
#ifndef INITSCRIPT_SCRIPT_H
#define INITSCRIPT_SCRIPT_H

#include "util_arena.h"
#include "wire.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

/* One function a script can call. Arrays of them end with a NULL name. */
struct initscript_function {
	const char *name;
	lua_CFunction function;
};

struct initscript_script;
struct initscript_guard;

/* How a script changes what the kernel keeps per thread. A child has one thread, so it just makes
 * the system call; in a running program every thread must make it, and role_live_linux.c hands it
 * to Go (bindings_linux.go). */
struct initscript_operations {
	bool every_thread;
	/* The system call NUMBER: what it returns, or -1 with errno set. If it fails nothing has
	 * changed; if a thread differs from the others the process ends. */
	long (*change)(struct initscript_script *script, long number, long a, long b, long c,
	               long d, long e);
	/* landlock_restrict_self(2). */
	long (*restrict_self)(struct initscript_script *script, int ruleset, uint32_t flags);
	/* Whether LANDLOCK_SCOPE_SIGNAL would leave the process in working order. */
	bool (*can_scope_signals)(struct initscript_script *script);
};
/* Those of a child; script_operations_linux.c. */
extern const struct initscript_operations initscript_child_operations;

/* One script, and what it runs in. It is the allocator's user data, so every wrapper finds it
 * through its lua_State, without a global variable. */
struct initscript_script {
	struct initscript_arena arena;
	lua_State *L;
	bool closing;
	const char *name;              /* of the script, while it runs: its chunk is "@NAME" */
	unsigned execs;                /* how many calls of execve were announced to the host */
	int start_socket;              /* where failures are told as records; -1: nowhere */
	struct initscript_notes notes; /* what may explain a failure, see script_notes.h */
	int hidden, hidden_end; /* descriptors from the first on, without the second, are not the
	                           script's business */
	const struct initscript_operations *operations; /* NULL: those of a child */
	struct initscript_guard *guard;                 /* of a child (script_guard.h); else NULL */
	struct initscript_trace_ring *trace;            /* where calls are told; NULL: nowhere */
};

/* The script that L belongs to. */
static inline struct initscript_script *initscript_script_of(lua_State *L)
{
	void *script;
	lua_getallocf(L, &script);
	return script;
}

/* The operations of the script that L belongs to; Linux. */
const struct initscript_operations *initscript_operations_of(lua_State *L);

/* A system call that changes the calling thread, made by every thread that must make it. */
long initscript_change(lua_State *L, long number, long a, long b, long c, long d, long e);

#endif
