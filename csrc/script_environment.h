/*
 * The Lua environment of a script.
 */
#ifndef INITSCRIPT_SCRIPT_ENVIRONMENT_H
#define INITSCRIPT_SCRIPT_ENVIRONMENT_H

#include "constants.h"
#include "script.h"

/* Opens a Lua state with the standard libraries, the globals and the table C; the JIT compiler is
 * off. NULL when memory ran out. */
lua_State *initscript_script_open(struct initscript_script *script);

/* Has all that SCRIPT will call traced, into the ring that MEMFD is (tell_trace.h).
 * False, with errno set, if it cannot be mapped. */
bool initscript_script_trace(struct initscript_script *script, int memfd);

/* Runs the finalizers and unmaps all memory of the script. */
void initscript_script_close(struct initscript_script *script);

/* Loads and runs TEXT, source code, as the script under the chunk name "@NAME". Returns true when
 * it ended normally; otherwise the failure is already on stderr and on the start socket. */
bool initscript_script_run(struct initscript_script *script, const char *name, const char *text,
                           size_t length);

#endif
