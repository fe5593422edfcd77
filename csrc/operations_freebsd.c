#include "script.h"

#include <sys/syscall.h>
#include <unistd.h>

/* Scripts run in children only, which have one thread; see confine_freebsd.go. */
long initscript_change(lua_State *L, long number, long a, long b, long c, long d, long e)
{
	(void)L;
	return syscall(number, a, b, c, d, e);
}
