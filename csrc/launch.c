#include "launch.h"

#include "fds.h"
#include "filelimit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdnoreturn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs on the memory of the host, so it only makes system calls. */
static noreturn void execute(int program, const int fds[4], const struct rlimit *files,
                             char *const argv[], char *const envp[], volatile int *error)
{
	bool placed = !files || setrlimit(RLIMIT_NOFILE, files) == 0;
	for (int target = 0; target < 4; target++)
		placed = placed && dup2(fds[target], target) == target;
	if (placed)
		syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
	*error = errno;
	_exit(127);
}

/* A duplicate that does not lie on a number that is about to be given. */
static int above_targets(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, INITSCRIPT_SERVER_FD + 1);
}

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int initscript_launch(int program, int null_fd, int control, char *const argv[], char *const envp[])
{
	int own[] = {above_targets(program), above_targets(null_fd), above_targets(control)};
	volatile int error = errno;
	pid_t pid = -1;
	if (own[0] >= 0 && own[1] >= 0 && own[2] >= 0) {
		const int fds[4] = {own[1], own[1], own[1], own[2]};
		struct rlimit files;
		bool raised = initscript_file_limit_before_go(&files);
		sigset_t all, old;
		sigfillset(&all);
		/* No handler of the host may run in the child, on the host's memory. */
		pthread_sigmask(SIG_SETMASK, &all, &old);
		error = 0;
		pid = vfork();
		if (pid == 0)
			execute(own[0], fds, raised ? &files : NULL, argv, envp, &error);
		if (pid < 0)
			error = errno;
		else if (error)
			waitpid(pid, NULL, 0);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	close_all(own, 3);
	if (error) {
		errno = error;
		return -1;
	}
	return pid;
}
