/*
 * The file that fork servers are executed from, in FreeBSD. Go calls it in the host, once.
 */
#include "sys_executable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#include <sys/sysctl.h>

/* No copy as on Linux: FreeBSD executes no memfd. The descriptor is for execution only, so nothing
 * can be read or written through it; nothing in procfs leads a child around its root directory to
 * the file; and the kernel lets nobody write to a file that is being executed. */
int initscript_open_executable(const char **failed)
{
	const int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PATHNAME, -1};
	char path[PATH_MAX];
	size_t size = sizeof path;
	*failed = "sysctl kern.proc.pathname";
	if (sysctl(name, sizeof name / sizeof *name, path, &size, NULL, 0) != 0)
		return -1;
	*failed = "open";
	return open(path, O_EXEC | O_CLOEXEC);
}

int initscript_copy_executable(int executable, const char **failed)
{
	(void)executable;
	*failed = "memfd_create";
	errno = ENOSYS;
	return -1;
}
