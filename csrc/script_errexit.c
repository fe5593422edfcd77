/*
 * What becomes of a call's result: every call of a script ends here. After a failure that errexit
 * makes fatal the host, the trace and stderr know it, and the process has ended; after a success
 * the notes and the guard know it.
 */
#include "script_errexit.h"

#include "script_guard.h"
#include "script_notes.h"
#include "tell_report.h"
#include "tell_trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The texts are Emilua's, so that what matches them there matches them here. */
#define PREFIX "<3>ipc_actor/init"

static void print_failure(const char *part, int error)
{
	fprintf(stderr, PREFIX "%s%s: %s\n", part ? "/" : "", part ? part : "", strerror(error));
}

/* Tells whoever watches that the call NAME has failed and ends the process. */
static void tell(lua_State *L, const char *name, int error)
{
	initscript_trace_failed(L, error);
	initscript_report_call(L, name, error);
}

void initscript_errexit(lua_State *L, const char *name, int error, enum initscript_style style)
{
	lua_getglobal(L, "errexit");
	bool fatal = lua_toboolean(L, -1);
	lua_pop(L, 1);
	if (!fatal)
		return;
	initscript_explain_call(L, name, error);
	tell(L, name, error);
	print_failure(style & INITSCRIPT_NAMED ? name : NULL, error);
	if (style & INITSCRIPT_TRACEBACK) {
		luaL_traceback(L, L, NULL, 1);
		fprintf(stderr, "%s\n", lua_tostring(L, -1));
	}
	exit(1);
}

void initscript_die(lua_State *L, const char *part, int error)
{
	tell(L, part, error);
	print_failure(part, error);
	exit(1);
}

void initscript_arena_exhausted(lua_State *L)
{
	initscript_report(initscript_script_of(L)->start_socket, INITSCRIPT_MEMORY_EXHAUSTED,
	                  ENOMEM);
	print_failure("alloc", ENOMEM);
	exit(1);
}

int initscript_result_styled(lua_State *L, const char *name, long long result,
                             enum initscript_style style)
{
	int error = 0;
	if (result == -1) {
		error = errno;
		initscript_errexit(L, name, error, style);
	} else {
		initscript_note(L, name);
		initscript_guard_after_call(L, name);
	}
	lua_pushinteger(L, result);
	lua_pushinteger(L, error);
	return 2;
}

int initscript_result(lua_State *L, const char *name, long long result)
{
	return initscript_result_styled(L, name, result, INITSCRIPT_CALL);
}
