#include "api.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* The kernel's ABI fixes these values; headers older than it lack the names. */
#ifndef PR_SET_MDWE /* Linux 6.3 */
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

/* The options a script can use: their arguments are integers, and what they tell is the return
 * value. Others take pointers. */
static const struct option {
	int number;
	bool changes_thread; /* else it reads, or changes the process */
} options[] = {
        {PR_SET_PDEATHSIG, true},   {PR_SET_DUMPABLE, false},    {PR_GET_DUMPABLE, false},
        {PR_SET_KEEPCAPS, true},    {PR_GET_KEEPCAPS, false},    {PR_SET_CHILD_SUBREAPER, false},
        {PR_SET_TIMERSLACK, true},  {PR_SET_NO_NEW_PRIVS, true}, {PR_GET_NO_NEW_PRIVS, false},
        {PR_CAPBSET_READ, false},   {PR_CAPBSET_DROP, true},     {PR_SET_THP_DISABLE, false},
        {PR_SET_MDWE, false},       {PR_GET_MDWE, false},        {PR_GET_SECCOMP, false},
        {PR_GET_SECUREBITS, false},
};

static const struct option *find_option(int number)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (options[i].number == number)
			return &options[i];
	return NULL;
}

static unsigned long optional_integer(lua_State *L, int arg)
{
	return lua_isnoneornil(L, arg) ? 0 : initscript_integer(L, arg);
}

static int l_prctl(lua_State *L)
{
	int number = initscript_integer(L, 1);
	unsigned long arg2 = optional_integer(L, 2);
	unsigned long arg3 = optional_integer(L, 3);
	unsigned long arg4 = optional_integer(L, 4);
	unsigned long arg5 = optional_integer(L, 5);
	const struct option *option = find_option(number);
	if (!option) {
		errno = EINVAL;
		return initscript_result(L, "prctl", -1);
	}
	return initscript_result(L, "prctl",
	                         option->changes_thread ? initscript_change(L, SYS_prctl, number,
	                                                                    arg2, arg3, arg4, arg5)
	                                                : prctl(number, arg2, arg3, arg4, arg5));
}

const struct initscript_function initscript_prctl_functions[] = {
        {"prctl", l_prctl},
        {NULL, NULL},
};
