/*
 * What processes of a start do with FreeBSD's own calls. Host, server and child call it.
 */
#include "sys_process.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/param.h>
#include <sys/procctl.h>
#include <sys/procdesc.h>
#include <sys/ucred.h>
#include <sys/un.h>
#include <unistd.h>

void initscript_execute_file(int file, char *const argv[], char *const envp[])
{
	fexecve(file, argv, envp);
}

/* The kernel notes who called socketpair(2). The pid is there since FreeBSD 13. */
bool initscript_is_parents_socket(int socket)
{
	struct xucred peer;
	socklen_t length = sizeof peer;
	return getsockopt(socket, SOL_LOCAL, LOCAL_PEERCRED, &peer, &length) == 0 &&
	       peer.cr_version == XUCRED_VERSION && peer.cr_pid == getppid();
}

bool initscript_is_secure(void)
{
	return issetugid();
}

bool initscript_make_greeting(struct initscript_greeting *greeting)
{
	*greeting = (struct initscript_greeting){.text = INITSCRIPT_GREETING};
	return true;
}

/* Rights are those of user ids and of jails here, and execve(2) gives none of them back. */
bool initscript_limit_rights(const struct initscript_greeting *greeting)
{
	(void)greeting;
	return true;
}

void initscript_reset_signals(void)
{
	const struct sigaction defaults = {.sa_handler = SIG_DFL};
	for (int signal = 1; signal <= SIGRTMAX; signal++)
		sigaction(signal, &defaults, NULL); /* EINVAL: SIGKILL, SIGSTOP, those of libthr */
}

void initscript_clear_environment(void)
{
	static char *nothing[] = {NULL};
	environ = nothing;
}

void initscript_set_name(const char *name)
{
	setproctitle("%s", name);
}

static bool kill_me_with_parent(void)
{
	int signal = SIGKILL;
	return procctl(P_PID, getpid(), PROC_PDEATHSIG_CTL, &signal) == 0;
}

struct initscript_parent initscript_as_parent(void)
{
	return (struct initscript_parent){.pid = getpid(), .lock = -1};
}

bool initscript_sees_parent(const struct initscript_request *request)
{
	(void)request;
	return true;
}

const char *initscript_die_with_server(const struct initscript_parent *server, bool sees_server,
                                       bool verify)
{
	(void)sees_server, (void)verify; /* there are no filters */
	if (!kill_me_with_parent())
		return "procctl";
	if (getppid() != server->pid)
		_exit(1);
	return NULL;
}

const char *initscript_enter(const struct initscript_request *request,
                             const struct initscript_parent *server)
{
	if (request->namespaces != 0) {
		errno = EOPNOTSUPP; /* the host refuses it before */
		return "pdfork";
	}
	return initscript_die_with_server(server, true, false);
}

/* A child of pdfork(2) has in libthr the thread id of its parent. What is executed or never makes a
 * thread does not notice; the Go runtime gets a process that was made by fork(3). */
bool initscript_forks_again(const struct initscript_request *request, bool boots_go)
{
	(void)request;
	return boots_go;
}

void initscript_die_with(pid_t parent)
{
	if (!kill_me_with_parent() || getppid() != parent)
		_exit(1);
}

int initscript_fork_nonsense(void)
{
	errno = EINVAL; /* there are no filters */
	return -1;
}

static bool control_tracing(int state)
{
	return procctl(P_PID, getpid(), PROC_TRACE_CTL, &state) == 0;
}

bool initscript_is_dumpable(void)
{
	return true; /* no call of a script forbids it */
}

void initscript_become_dumpable(void)
{
	control_tracing(PROC_TRACE_CTL_ENABLE);
}

const char *initscript_become_undumpable(bool verify)
{
	(void)verify;
	return control_tracing(PROC_TRACE_CTL_DISABLE) ? NULL : "procctl";
}

bool initscript_clock_is_quiet(void)
{
	return true; /* no filter of FreeBSD's ends a process for clock_gettime(2) */
}

int initscript_signal_process(int process, int signal)
{
	return pdkill(process, signal);
}
