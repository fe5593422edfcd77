/*
 * How the fork server of FreeBSD makes children and learns of their ends: process descriptors and
 * a kqueue. Called by the server only. Each child that was born is reaped once.
 */
#include "sys_births.h"

#include "util_failure.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/event.h>
#include <sys/procdesc.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned alive; /* children that were not reaped */

/* A kqueue: children of pdfork(2) raise no SIGCHLD, and wait4(2) finds them by their pid only. */
int initscript_births_open(void)
{
	INITSCRIPT_AUTO_CLOSE int births = kqueue();
	if (births < 0 || fcntl(births, F_SETFD, FD_CLOEXEC) != 0)
		return -1;
	return initscript_hand_over(&births);
}

static bool watch(int births, int process, pid_t pid)
{
	struct kevent end;
	EV_SET(&end, process, EVFILT_PROCDESC, EV_ADD, NOTE_EXIT, 0, (void *)(intptr_t)pid);
	return kevent(births, &end, 1, NULL, 0, NULL) == 0;
}

/* The server keeps a descriptor of its own until the child is reaped: when the last one is closed,
 * the kernel kills the process. */
pid_t initscript_give_birth(int births, const struct initscript_request *request, int *process,
                            const char **failed)
{
	(void)request;
	*failed = "fork";
	int own;
	pid_t pid = pdfork(&own, PD_CLOEXEC);
	if (pid <= 0)
		return pid;
	if (watch(births, own, pid) && (*process = fcntl(own, F_DUPFD_CLOEXEC, 0)) >= 0) {
		alive++;
		return pid;
	}
	int error = errno;
	*failed = "kevent";
	pdkill(own, SIGKILL);
	waitpid(pid, NULL, 0);
	close(own);
	errno = error;
	return -1;
}

void initscript_births_drain(int births)
{
	(void)births; /* it is readable as long as there are events */
}

static pid_t reap(int births, int *status, struct rusage *usage, const struct timespec *limit)
{
	struct kevent end;
	if (kevent(births, NULL, 0, &end, 1, limit) != 1)
		return -1;
	pid_t pid = (intptr_t)end.udata;
	if (wait4(pid, status, 0, usage) != pid) {
		*status = end.data; /* the same, without what it has used */
		*usage = (struct rusage){0};
	}
	close(end.ident);
	alive--;
	return pid;
}

pid_t initscript_reap(int births, int *status, struct rusage *usage)
{
	const struct timespec now = {0};
	return reap(births, status, usage, &now);
}

void initscript_reap_all(int births)
{
	int status;
	struct rusage usage;
	while (alive > 0 && (reap(births, &status, &usage, NULL) > 0 || errno == EINTR))
		;
}
