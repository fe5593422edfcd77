/*
 * The part of the helpers that is Linux's.
 */
#include "api.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

long initscript_no_new_privs(lua_State *L)
{
	return initscript_change(L, SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
