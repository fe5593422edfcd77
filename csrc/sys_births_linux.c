/*
 * How the fork server of Linux makes children and learns of their ends: fork or clone, a signalfd.
 * Called by the server only. Each child that was born has a pidfd, or is killed and reaped here.
 */
#include "sys_births.h"

#include "sys_pidfd.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int initscript_births_open(void)
{
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* With a PID namespace the child must be born in it, so by clone(2): it never returns into Go.
 * Without one it is born by fork(3), after which libc still knows its thread
 * (docs/internals/design.md). */
pid_t initscript_give_birth(int births, const struct initscript_request *request, int *process,
                            const char **failed)
{
	(void)births;
	*failed = "fork";
	if (request->namespaces & CLONE_NEWPID) {
		unsigned long flags = request->namespaces & ~(uint32_t)CLONE_NEWTIME;
		return syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, NULL, process, NULL, NULL);
	}
	pid_t pid = fork();
	if (pid > 0 && (*process = initscript_pidfd_of_child(pid)) < 0) {
		int error = errno;
		*failed = "pidfd_open";
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		errno = error;
		return -1;
	}
	return pid;
}

void initscript_births_drain(int births)
{
	struct signalfd_siginfo ignored;
	while (read(births, &ignored, sizeof ignored) > 0)
		;
}

pid_t initscript_reap(int births, int *status, struct rusage *usage)
{
	(void)births;
	return wait4(-1, status, WNOHANG, usage);
}

void initscript_reap_all(int births)
{
	(void)births;
	while (wait(NULL) > 0 || errno == EINTR)
		;
}
