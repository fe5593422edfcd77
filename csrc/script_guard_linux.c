/*
 * Which calls of scripts affect the guard in Linux.
 */
#include "script_guard.h"

#include "script_arguments.h"

#include <sched.h>
#include <string.h>
#include <sys/prctl.h>

/* What changes an effective id, or gives capabilities that were not permitted, clears the
 * parent-death signal, and makes the process as dumpable as fs.suid_dumpable says. */
enum initscript_effect initscript_effect_on_guard(lua_State *L, const char *name)
{
	if (strcmp(name, "setresuid") == 0 || strcmp(name, "setresgid") == 0 ||
	    strcmp(name, "setns") == 0)
		return INITSCRIPT_CLEARS_GUARD;
	if (strcmp(name, "unshare") == 0 && initscript_integer(L, 1) & CLONE_NEWUSER)
		return INITSCRIPT_CLEARS_GUARD;
	if (strcmp(name, "prctl") == 0) {
		int option = initscript_integer(L, 1);
		if (option == PR_SET_PDEATHSIG || option == PR_SET_DUMPABLE)
			return INITSCRIPT_CHANGES_GUARD;
	}
	return INITSCRIPT_NO_EFFECT;
}
