/*
 * The Lua environment of an init script, and what the wrappers of system calls share.
 *
 * Everything here runs on one thread. Nothing here is safe to call on a lua_State that
 * initscript_env_open() did not make.
 */
#ifndef INITSCRIPT_SCRIPT_H
#define INITSCRIPT_SCRIPT_H

#include "arena.h"
#include "constants.h"
#include "wire.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

/* One function a script can call. Each family of calls has one array, ended by a NULL name. */
struct initscript_function {
	const char *name;
	lua_CFunction function;
};
extern const struct initscript_function initscript_io_functions[];         /* api_io.c */
extern const struct initscript_function initscript_file_functions[];       /* api_file.c */
extern const struct initscript_function initscript_at_functions[];         /* api_at.c */
extern const struct initscript_function initscript_descriptor_functions[]; /* api_descriptor.c */
extern const struct initscript_function initscript_process_functions[];    /* api_process.c */
extern const struct initscript_function initscript_resource_functions[];   /* api_resource.c */
extern const struct initscript_function initscript_credential_functions[]; /* api_credential.c */
extern const struct initscript_function initscript_exec_functions[];       /* api_exec.c */
extern const struct initscript_function initscript_mount_functions[];      /* api_mount_*.c */

/* Of Linux, each in api_NAME_linux.c. */
extern const struct initscript_function initscript_openat2_functions[];
extern const struct initscript_function initscript_namespace_functions[];
extern const struct initscript_function initscript_prctl_functions[];
extern const struct initscript_function initscript_seccomp_functions[];
extern const struct initscript_function initscript_landlock_functions[];
extern const struct initscript_function initscript_mount_fd_functions[];
extern const struct initscript_function initscript_capability_functions[];
extern const struct initscript_function initscript_keyring_functions[];

/* Of FreeBSD, likewise. */
extern const struct initscript_function initscript_capsicum_functions[];
extern const struct initscript_function initscript_jail_functions[];

/* The families that this system has, up to a NULL: families_linux.c, families_freebsd.c. */
extern const struct initscript_function *const initscript_families[];

/* The global helpers (mode, write_all, ...), ended by a NULL name. */
extern const struct initscript_function initscript_helpers[]; /* api_helper.c */

struct initscript_env;
struct initscript_guard;

/* How a script changes what the kernel keeps per thread. A child has one thread, so it just makes
 * the system call; in a running program every thread must make it, and live_linux.c hands it to Go
 * (bindings_linux.go). */
struct initscript_operations {
	bool every_thread;
	/* The system call NUMBER: what it returns, or -1 with errno set. If it fails nothing has
	 * changed; if a thread differs from the others the process ends. */
	long (*change)(struct initscript_env *env, long number, long a, long b, long c, long d,
	               long e);
	/* landlock_restrict_self(2). */
	long (*restrict_self)(struct initscript_env *env, int ruleset, uint32_t flags);
	/* Whether LANDLOCK_SCOPE_SIGNAL would leave the process in working order. */
	bool (*can_scope_signals)(struct initscript_env *env);
};
extern const struct initscript_operations initscript_child_operations; /* operations_linux.c */

/* What one script runs in. It is the allocator's user data, so every wrapper finds it through its
 * lua_State, without a global variable. */
struct initscript_env {
	struct initscript_arena arena;
	lua_State *L;
	bool closing;
	const char *name;              /* of the script, while it runs: its chunk is "@NAME" */
	unsigned execs;                /* how many calls of execve were announced to the host */
	int report_fd;                 /* where failures go as data; -1: nowhere */
	struct initscript_state state; /* notes for explanations, see state.h */
	int hidden, hidden_end; /* descriptors from the first on, without the second, are not the
	                           script's business */
	const struct initscript_operations *operations; /* NULL: those of a child */
	struct initscript_guard *guard;                 /* of a child (guard.h); else NULL */
	struct initscript_trace_ring *trace; /* where calls are told (trace.h); NULL: nowhere */
};

/* Opens a Lua state with the standard libraries, the globals and the table C; the JIT compiler is
 * off. NULL when memory ran out. */
lua_State *initscript_env_open(struct initscript_env *env);

/* Runs the finalizers and unmaps all memory of the script. */
void initscript_env_close(struct initscript_env *env);

/* The environment L belongs to. */
struct initscript_env *initscript_env_of(lua_State *L);

/* The operations of the environment L belongs to; Linux. */
const struct initscript_operations *initscript_operations_of(lua_State *L);

/* A system call that changes the calling thread, made by every thread that must make it. */
long initscript_change(lua_State *L, long number, long a, long b, long c, long d, long e);

/* Loads and runs a script (source text only) under the chunk name "@NAME". Returns true when it
 * ended normally; otherwise the failure is already on stderr and on the report socket. */
bool initscript_env_run(struct initscript_env *env, const char *name, const char *script,
                        size_t length);

/* How the message of a failure looks; Emilua differs by function. */
enum initscript_style {
	INITSCRIPT_PLAIN = 0,     /* "<3>ipc_actor/init: ..." */
	INITSCRIPT_NAMED = 1,     /* "<3>ipc_actor/init/NAME: ..." */
	INITSCRIPT_TRACEBACK = 2, /* a traceback follows */
	INITSCRIPT_CALL = INITSCRIPT_NAMED | INITSCRIPT_TRACEBACK, /* every function of table C */
};

/* To be called when the call NAME failed with ERROR (an errno value), while the arguments are
 * still at the bottom of the Lua stack. Returns if the global errexit is false or nil; otherwise
 * it prints, reports and ends the process with status 1. */
void initscript_errexit(lua_State *L, const char *name, int error, enum initscript_style style);

/* The same for failures that no errexit setting forgives: always ends the process, no traceback
 * in the text. PART names what is wrong inside the call, e.g. "mount_setattr/attr_set"; it is the
 * function's name where there is no part. */
noreturn void initscript_die(lua_State *L, const char *part, int error);

/* Ends the process with status 1 because the script's memory is used up. For a wrapper whose
 * initscript_arena_alloc() returned NULL. */
noreturn void initscript_arena_exhausted(lua_State *L);

/* The end of every wrapper that returns a C result: pushes RESULT and errno (0 on success).
 * RESULT == -1 means failure with errno set, and goes through initscript_errexit() first. */
int initscript_result(lua_State *L, const char *name, long long result);
int initscript_result_styled(lua_State *L, const char *name, long long result,
                             enum initscript_style style);

#endif
