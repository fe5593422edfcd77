/*
 * The child's side of tracing: what a script calls, as records in a ring that the host reads. After
 * initscript_trace_open() nothing here makes a system call or takes memory of the script's.
 */
#ifndef INITSCRIPT_TELL_TRACE_H
#define INITSCRIPT_TELL_TRACE_H

#include "script.h"
#include "trace_ring.h"

/* Begins to trace what initscript_trace_push() pushes for SCRIPT from now on, into the ring that
 * MEMFD is. False, with errno set, if it cannot be mapped. */
bool initscript_trace_open(struct initscript_script *script, int memfd);

/* Pushes a function for scripts: one that is traced, if the script is. */
void initscript_trace_push(lua_State *L, const struct initscript_function *function);

/* To be called when the call under way has failed with ERROR and ends the process. */
void initscript_trace_failed(lua_State *L, int error);

/* Ends tracing, when the script and its finalizers have ended. Nothing of it stays mapped. */
void initscript_trace_close(struct initscript_script *script);

#endif
