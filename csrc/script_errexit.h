/*
 * What becomes of the result of a call: the end of every function of the table C.
 */
#ifndef INITSCRIPT_SCRIPT_ERREXIT_H
#define INITSCRIPT_SCRIPT_ERREXIT_H

#include "script.h"

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
