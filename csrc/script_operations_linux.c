/*
 * How calls change what the kernel keeps per thread: those of a child make the system call; live
 * mode puts operations of its own in their place (role_live_linux.c). The calls that change ids,
 * capabilities, filters and Landlock domains come here. After a failure nothing has changed.
 */
#include "script.h"

#include <sys/syscall.h>
#include <unistd.h>

static long change(struct initscript_script *script, long number, long a, long b, long c, long d,
                   long e)
{
	(void)script;
	return syscall(number, a, b, c, d, e);
}

static long restrict_self(struct initscript_script *script, int ruleset, uint32_t flags)
{
	(void)script;
	return syscall(SYS_landlock_restrict_self, ruleset, flags);
}

static bool can_scope_signals(struct initscript_script *script)
{
	(void)script;
	return true;
}

const struct initscript_operations initscript_child_operations = {
        .every_thread = false,
        .change = change,
        .restrict_self = restrict_self,
        .can_scope_signals = can_scope_signals,
};

const struct initscript_operations *initscript_operations_of(lua_State *L)
{
	const struct initscript_operations *own = initscript_script_of(L)->operations;
	return own ? own : &initscript_child_operations;
}

long initscript_change(lua_State *L, long number, long a, long b, long c, long d, long e)
{
	return initscript_operations_of(L)->change(initscript_script_of(L), number, a, b, c, d, e);
}
