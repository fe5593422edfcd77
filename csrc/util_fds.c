/*
 * Closing descriptors, by number and in ranges, and duplicating them. Every room uses it. After
 * initscript_close_range() nothing in the range is open, or the caller knows.
 */
#include "util_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* For kernels without close_range(2). The limit is that of the first call, which the server makes
 * before there is a script: one could lower it and so hide what it has open. */
static bool close_one_by_one(unsigned first, unsigned last)
{
	static rlim_t end;
	struct rlimit limit;
	if (end == 0) {
		if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
			return false;
		end = limit.rlim_max;
	}
	for (unsigned fd = first; fd <= last && fd < end; fd++)
		close(fd);
	return true;
}

bool initscript_close_range(unsigned first, unsigned last)
{
	if (last < first || syscall(SYS_close_range, first, last, 0) == 0)
		return true;
	/* ENOSYS: before Linux 5.9, or a filter that pretends so. */
	return errno == ENOSYS && close_one_by_one(first, last);
}

struct initscript_fd_path initscript_fd_path(int fd)
{
	struct initscript_fd_path path;
	snprintf(path.text, sizeof path.text, "/proc/self/fd/%d", fd);
	return path;
}

int initscript_duplicate_above(int fd, int lowest)
{
	int away = fcntl(fd, F_DUPFD_CLOEXEC, lowest + INITSCRIPT_OUT_OF_THE_WAY);
	if (away < 0 && errno == EINVAL) /* the limit is that low */
		away = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
	return away;
}
