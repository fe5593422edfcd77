/*
 * Starts a fork server. Go calls it in the host, under syscall.ForkLock. The new process has the
 * null device and the control socket, no other descriptor of the host's, and runs none of its
 * handlers.
 */
#include "role_launch.h"

#include "sys_process.h"
#include "util_fds.h"
#include "util_filelimit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* LD_BIND_NOW has the dynamic loader resolve every function once, in the server: later each child
 * would do it anew, and would leave register contents of its script on the stack while doing so.
 * The rest of the host's environment is nobody's business there. */
static void set_environment(char *envp[INITSCRIPT_LOADER_ENTRIES + 3], char *const loader[])
{
	static char marker[] = INITSCRIPT_MARKER "=3", bind_now[] = "LD_BIND_NOW=1";
	*envp++ = marker;
	*envp++ = bind_now;
	for (int i = 0; i < INITSCRIPT_LOADER_ENTRIES && loader[i]; i++)
		*envp++ = loader[i];
	*envp = NULL;
}

/* A duplicate that does not lie on a number that is about to be given. */
static int above_targets(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, INITSCRIPT_SERVER_FD + 1);
}

void initscript_execute_server(int executable, int null_fd, int control, const struct rlimit *files,
                               char *const loader[])
{
	static char name[] = INITSCRIPT_SERVER_NAME;
	char *argv[] = {name, NULL}, *envp[INITSCRIPT_LOADER_ENTRIES + 3];
	int null = above_targets(null_fd), socket = above_targets(control);
	const int fds[] = {null, null, null, socket};
	executable = above_targets(executable);
	if (executable < 0 || null < 0 || socket < 0)
		return;
	if (files && setrlimit(RLIMIT_NOFILE, files) != 0)
		return;
	for (int target = 0; target <= INITSCRIPT_SERVER_FD; target++)
		if (dup2(fds[target], target) != target)
			return;
	set_environment(envp, loader);
	initscript_execute_file(executable, argv, envp);
}

int initscript_launch(int executable, int null_fd, int control, char *const loader[])
{
	struct rlimit files;
	bool raised = initscript_file_limit_before_go(&files);
	volatile int error = 0;
	sigset_t all, old;
	sigfillset(&all);
	/* No handler of the host may run in the child, on the host's memory. */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid_t pid = vfork();
	if (pid == 0) { /* on the memory of the host: only system calls */
		initscript_execute_server(executable, null_fd, control, raised ? &files : NULL,
		                          loader);
		error = errno;
		_exit(127);
	}
	if (pid < 0)
		error = errno;
	else if (error)
		waitpid(pid, NULL, 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = error;
	return error ? -1 : pid;
}
