/*
 * The call prctl of scripts, for options whose arguments are integers. An option that changes the
 * thread goes through the operations of the script.
 */
#include "api.h"

#include <errno.h>
#include <limits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* The kernel's ABI fixes these values; headers older than it lack the names. */
#ifndef PR_SET_MDWE /* Linux 6.3 */
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

/* The options a script can use: their arguments are integers, and what they tell is the return
 * value. Others take pointers. Where the kernel would take any number for a yes, or ignore a part
 * of it, MAX is the highest that means something. */
static const struct option {
	int number;
	bool changes_thread; /* else it reads, or changes the process */
	bool has_argument;
	int64_t max;
} options[] = {
        {PR_SET_PDEATHSIG, true, true, INT_MAX},
        {PR_SET_DUMPABLE, false, true, INT_MAX},
        {PR_GET_DUMPABLE, false, false, 0},
        {PR_SET_KEEPCAPS, true, true, INT_MAX},
        {PR_GET_KEEPCAPS, false, false, 0},
        {PR_SET_CHILD_SUBREAPER, false, true, 1},
        {PR_SET_TIMERSLACK, true, true, INT64_C(1) << 53},
        {PR_SET_NO_NEW_PRIVS, true, true, INT_MAX},
        {PR_GET_NO_NEW_PRIVS, false, false, 0},
        {PR_CAPBSET_READ, false, true, INT_MAX},
        {PR_CAPBSET_DROP, true, true, INT_MAX},
        {PR_SET_THP_DISABLE, false, true, 1},
        {PR_SET_MDWE, false, true, INT_MAX},
        {PR_GET_MDWE, false, false, 0},
        {PR_GET_SECCOMP, false, false, 0},
        {PR_GET_SECUREBITS, false, false, 0},
};

static const struct option *find_option(int number)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (options[i].number == number)
			return &options[i];
	return NULL;
}

/* Argument ARG of an option, which is 0 where it means nothing. Argument 2 is the only one that can
 * mean something, and then it must be there: an absent one would be a no, or signal 0. */
static unsigned long read_argument(lua_State *L, int arg, const struct option *option)
{
	if (option && option->has_argument && arg == 2)
		return initscript_exact(L, arg, 0, option->max);
	if (lua_isnoneornil(L, arg))
		return 0;
	return option ? initscript_exact(L, arg, 0, 0) : initscript_exact_integer(L, arg);
}

static int l_prctl(lua_State *L)
{
	int number = initscript_exact_int(L, 1);
	const struct option *option = find_option(number);
	unsigned long arg2 = read_argument(L, 2, option);
	unsigned long arg3 = read_argument(L, 3, option);
	unsigned long arg4 = read_argument(L, 4, option);
	unsigned long arg5 = read_argument(L, 5, option);
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
