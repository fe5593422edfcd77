/*
 * FreeBSD's way to look at descriptors that are not received yet, and to close those that are:
 * there is none that could not wait. Called by Go and by the packets of Lua programs.
 */
#include "sys_examine.h"

#include <errno.h>
#include <unistd.h>

/* No process shares memory but not descriptors here, short of vfork(2), which must only execute. */
int initscript_examine(int socket, struct initscript_examined *examined)
{
	(void)socket;
	(void)examined;
	return ENOSYS;
}

void initscript_close_aside(int fd)
{
	close(fd);
}
