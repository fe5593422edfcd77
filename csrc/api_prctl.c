#include "api.h"

#include <errno.h>
#include <sys/prctl.h>

/* The kernel's ABI fixes these values; headers older than it lack the names. */
#ifndef PR_SET_MDWE /* Linux 6.3 */
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

/* The options a script can use: their arguments are integers, and what they tell is the return
 * value. Others take pointers. */
static const int options[] = {
        PR_SET_PDEATHSIG,  PR_SET_DUMPABLE,     PR_GET_DUMPABLE,
        PR_SET_KEEPCAPS,   PR_GET_KEEPCAPS,     PR_SET_CHILD_SUBREAPER,
        PR_SET_TIMERSLACK, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS,
        PR_CAPBSET_READ,   PR_CAPBSET_DROP,     PR_SET_THP_DISABLE,
        PR_SET_MDWE,       PR_GET_MDWE,         PR_GET_SECCOMP,
        PR_GET_SECUREBITS,
};

static bool is_known(int option)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (options[i] == option)
			return true;
	return false;
}

static unsigned long optional_integer(lua_State *L, int arg)
{
	return lua_isnoneornil(L, arg) ? 0 : initscript_integer(L, arg);
}

static int l_prctl(lua_State *L)
{
	int option = initscript_integer(L, 1);
	unsigned long arg2 = optional_integer(L, 2);
	unsigned long arg3 = optional_integer(L, 3);
	unsigned long arg4 = optional_integer(L, 4);
	unsigned long arg5 = optional_integer(L, 5);
	if (!is_known(option)) {
		errno = EINVAL;
		return initscript_result(L, "prctl", -1);
	}
	return initscript_result(L, "prctl", prctl(option, arg2, arg3, arg4, arg5));
}

const struct initscript_function initscript_prctl_functions[] = {
        {"prctl", l_prctl},
        {NULL, NULL},
};
