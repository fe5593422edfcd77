/*
 * The part of the helpers that is FreeBSD's.
 */
#include "api.h"

#include <sys/procctl.h>
#include <unistd.h>

/* FreeBSD 14 and 13.3; EINVAL before. */
long initscript_no_new_privs(lua_State *L)
{
	(void)L;
	int state = PROC_NO_NEW_PRIVS_ENABLE;
	return procctl(P_PID, getpid(), PROC_NO_NEW_PRIVS_CTL, &state);
}
