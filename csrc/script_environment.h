/*
 * The Lua environment of a script.
 */
#ifndef INITSCRIPT_SCRIPT_ENVIRONMENT_H
#define INITSCRIPT_SCRIPT_ENVIRONMENT_H

#include "constants.h"
#include "script.h"

/* Opens a Lua state with the standard libraries, the globals and the table C; the JIT compiler is
 * off. NULL when memory ran out. */
lua_State *initscript_env_open(struct initscript_env *env);

/* Has all that the script in ENV will call traced, into the ring that MEMFD is (tell_trace.h).
 * False, with errno set, if it cannot be mapped. */
bool initscript_env_trace(struct initscript_env *env, int memfd);

/* Runs the finalizers and unmaps all memory of the script. */
void initscript_env_close(struct initscript_env *env);

/* Loads and runs a script (source text only) under the chunk name "@NAME". Returns true when it
 * ended normally; otherwise the failure is already on stderr and on the report socket. */
bool initscript_env_run(struct initscript_env *env, const char *name, const char *script,
                        size_t length);

#endif
