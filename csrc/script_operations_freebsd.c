/*
 * How calls change what the kernel keeps per thread: a script of FreeBSD runs in children only,
 * which have one thread (confine_freebsd.go), so they make the system call. After a failure nothing
 * has changed.
 */
#include "script.h"

#include <sys/syscall.h>
#include <unistd.h>

long initscript_change(lua_State *L, long number, long a, long b, long c, long d, long e)
{
	(void)L;
	return syscall(number, a, b, c, d, e);
}
