/*
 * What stays as PID 1 when its program has been forked. The child calls it. When the program
 * begins to run PID 1 holds nothing of the script any more, neither in memory nor as a descriptor;
 * it forwards signals, and ends with the program.
 */
#include "role_pid1.h"

#include "script_guard.h"
#include "sys_image.h"
#include "sys_process.h"
#include "tell_report.h"
#include "util_fds.h"
#include "util_stack.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What PID 1 sends to the program when that may run. Whoever else sends it, it would be ignored. An
 * end of something that PID 1 holds open would not do: that comes with the end of PID 1, too,
 * before the kernel ends the rest of the namespace. */
enum { GO = SIGURG };

/* Behind an unshare(2) of the script the program is the first of a namespace of its own, and what
 * is outside has the number 0 there, so PID 1 too. False with errno set when a filter does not let
 * us see whether that is so; errno is 0 if it is not. */
static bool is_first_of_nested(void)
{
	long self = syscall(SYS_getpid);
	errno = self > 0 ? 0 : EPERM; /* as no filter can pretend to be number 1 */
	return self == 1;
}

/* Returns what fails, with errno set, or NULL. */
static const char *await_go(pid_t pid1)
{
	sigset_t go;
	siginfo_t info;
	sigemptyset(&go);
	sigaddset(&go, GO);
	for (;;) {
		int signal = sigwaitinfo(&go, &info);
		if (signal == 0)
			errno = EPERM; /* a filter only pretends that the call was made */
		if (signal != GO && errno != EINTR) /* EINTR: stopped, and continued */
			return "rt_sigtimedwait";
		if (signal != GO || info.si_code != SI_USER)
			continue;
		if (info.si_pid == pid1 || (info.si_pid == 0 && is_first_of_nested()))
			return NULL;
		if (info.si_pid == 0 && errno)
			return "getpid";
	}
}

/* Whether a system call with arguments that make no sense has come to the kernel, or errno says why
 * not. */
static bool has_come(int result)
{
	if (result == 0)
		errno = EPERM;
	return result == -1 && errno == EINVAL;
}

static bool block_signals(void)
{
	sigset_t all, mask;
	sigfillset(&all);
	sigfillset(&mask);
	if (sigprocmask(SIG_SETMASK, &all, &mask) != 0)
		return false;
	if (!sigismember(&mask, GO))
		return true;
	/* Nothing was written there, or the script has blocked it. */
	sigemptyset(&mask);
	if (sigprocmask(SIG_SETMASK, NULL, &mask) != 0)
		return false;
	errno = EPERM; /* a filter only pretends that the call was made */
	return sigismember(&mask, GO);
}

pid_t initscript_fork_from_pid1(const struct initscript_guard *guard, const char **failed)
{
	sigset_t none;
	sigemptyset(&none);
	*failed = "rt_sigprocmask";
	if (!block_signals())
		return -1;
	*failed = "fork";
	if (initscript_guard_is_filtered(guard) && !has_come(initscript_fork_nonsense()))
		return -1;
	pid_t program = fork();
	if (program != 0)
		return program;
	initscript_die_with(guard->pid);
	*failed = await_go(guard->pid);
	if (*failed)
		return -1;
	*failed = "rt_sigprocmask";
	return sigprocmask(SIG_SETMASK, &none, NULL);
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

/* False with errno set when the kernel, or a filter of the script, does not let us wait. */
static bool reap(pid_t program)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == program)
			end_like(status);
	return pid == 0;
}

/* Does what a signal asks for, as sigwaitinfo(3) has returned it; false as above. */
static bool serve(int signal, const siginfo_t *info, pid_t program)
{
	if (signal == SIGCHLD)
		return reap(program);
	if (is_forwarded(signal) && !has_it_already(info, program))
		kill(program, signal);
	return signal > 0 || (signal < 0 && errno == EINTR); /* stopped, and continued */
}

/* What a filter of the script may refuse to PID 1, or only pretend to do. The host can still be
 * told of it now. Returns what fails, with errno set, or NULL. */
static const char *try_calls(const sigset_t *all, pid_t program)
{
	const struct timespec now = {0};
	siginfo_t info;
	int signal = sigtimedwait(all, &info, &now);
	if (signal == 0)
		errno = EPERM;
	/* EAGAIN: no signal is pending, as it should be. EINTR: stopped, and continued. */
	if (signal == 0 || (signal < 0 && errno != EAGAIN && errno != EINTR))
		return "rt_sigtimedwait";
	if (signal > 0)
		serve(signal, &info, program);
	if (!reap(program) || !has_come(waitpid(-1, NULL, -1)))
		return "wait4";
	if (kill(program, 0) != 0 || !has_come(kill(program, -1)))
		return "kill";
	if (!has_come(madvise((void *)1, 1, MADV_DONTNEED)))
		return "madvise";
	return has_come(munmap((void *)1, 1)) ? NULL : "munmap";
}

/* Closes all descriptors, START_SOCKET last, so that a failure can be told. OPEN has been open
 * until now, and shows whether the kernel was really called. */
static const char *close_all(int start_socket, int open)
{
	if (!initscript_close_range(0, start_socket - 1) ||
	    !initscript_close_range(start_socket + 1, ~0U))
		return "close_range";
	if (close(open) == 0) {
		bool still = close(open) == 0;
		errno = EPERM;
		return still ? "close" : "close_range";
	}
	return errno == EBADF && close(start_socket) == 0 ? NULL : "close";
}

/* Nothing of the script stays: neither in memory nor as a descriptor. What the host may still be
 * told with is put back when the memory is restored. */
static const char *become_harmless(struct initscript_script *script, const sigset_t *all,
                                   pid_t program)
{
	const struct initscript_notes notes = script->notes;
	const int start_socket = script->start_socket;
	const int lock = script->guard->server.lock;
	const char *failed = NULL;
	initscript_wipe_below_gap();
	if (initscript_guard_is_filtered(script->guard))
		failed = try_calls(all, program);
	if (!failed && !initscript_image_restore(NULL, 0, script->guard->has_natives))
		failed = "munmap";
	script->notes = notes;
	script->start_socket = start_socket;
	return failed ? failed : close_all(start_socket, lock);
}

noreturn void initscript_pid1(struct initscript_script *script, pid_t program)
{
	sigset_t all;
	siginfo_t info;
	sigfillset(&all);
	const char *failed = become_harmless(script, &all, program);
	if (failed)
		initscript_fail_setup(script, failed);
	if (kill(program, GO) != 0)
		_exit(1); /* a filter refuses this signal only, and ends the namespace so */
	while (serve(sigwaitinfo(&all, &info), &info, program))
		;
	_exit(1);
}
