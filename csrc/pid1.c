#include "pid1.h"

#include "fds.h"
#include "image.h"
#include "stack.h"
#include "system.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t initscript_fork_from_pid1(void)
{
	int gate[2]; /* its write end is the last thing that PID 1 closes */
	if (pipe2(gate, O_CLOEXEC) != 0)
		return -1;
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &all, NULL);
	const pid_t self = getpid();
	pid_t program = fork();
	if (program > 0)
		return program;
	if (program == 0)
		initscript_die_with(self);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close(gate[1]);
	char nothing;
	while (program == 0 && read(gate[0], &nothing, 1) != 0)
		;
	close(gate[0]);
	return program;
}

static bool is_forwarded(int signal)
{
	return signal == SIGTERM || signal == SIGUSR1 || signal == SIGUSR2 || signal == SIGHUP ||
	       signal == SIGINT || signal == SIGRTMIN + 4;
}

/* What the terminal sends, it sends to the whole foreground process group: a program that is
 * still in ours has it already. */
static bool has_it_already(const siginfo_t *info, pid_t program)
{
	return info->si_code == SI_KERNEL && getpgid(program) == getpgrp();
}

static noreturn void end_like(int status)
{
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void reap(pid_t program)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == program)
			end_like(status);
}

noreturn void initscript_pid1(pid_t program)
{
	initscript_wipe_below_gap();
	if (!initscript_image_restore(NULL, 0))
		_exit(1); /* with all that is in the namespace */
	initscript_become_undumpable();
	initscript_close_range(0, ~0U);
	sigset_t all;
	sigfillset(&all);
	for (;;) {
		siginfo_t info;
		int signal = sigwaitinfo(&all, &info);
		if (signal == SIGCHLD)
			reap(program);
		else if (is_forwarded(signal) && !has_it_already(&info, program))
			kill(program, signal);
	}
}
