/*
 * A pidfd of a child, also on kernels that have no pidfd_open(2). The server calls it, in the
 * parent, before anybody can have waited for the child.
 */
#include "sys_pidfd.h"

#include "util_failure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Whether the numbers in /proc are those of our PID namespace. */
static bool has_our_pids(void)
{
	char self[16] = "";
	return readlink("/proc/self", self, sizeof self - 1) > 0 && atoi(self) == getpid();
}

/* The pid is the child's as long as nobody has waited for it, so the directory is, too; and it
 * never becomes that of another process. */
static int open_directory(pid_t pid)
{
	char path[32];
	if (!has_our_pids()) {
		errno = ENOSYS;
		return -1;
	}
	snprintf(path, sizeof path, "/proc/%d", pid);
	INITSCRIPT_AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0)
		return initscript_hand_over(&fd);
	errno = ENOSYS;
	return -1;
}

int initscript_pidfd_of_child(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0); /* Linux 5.3 */
	if (fd >= 0 || errno != ENOSYS)
		return fd;
	return open_directory(pid);
}
