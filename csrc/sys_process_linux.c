/*
 * What processes of a start do with Linux's own calls. Host, server and child call it.
 */
#include "sys_process.h"

#include "util_failure.h"
#include "util_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

void initscript_execute_file(int file, char *const argv[], char *const envp[])
{
	syscall(SYS_execveat, file, "", argv, envp, AT_EMPTY_PATH);
	if (errno == ENOSYS) /* before Linux 3.19, and in emulators */
		execve(initscript_fd_path(file).text, argv, envp);
}

bool initscript_is_parents_socket(int socket)
{
	struct ucred peer;
	socklen_t length = sizeof peer;
	return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	       peer.pid == getppid();
}

bool initscript_is_secure(void)
{
	return getauxval(AT_SECURE);
}

bool initscript_make_greeting(struct initscript_greeting *greeting)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];
	if (syscall(SYS_capget, &header, sets) != 0)
		return false;
	*greeting = (struct initscript_greeting){.text = INITSCRIPT_GREETING};
	for (int i = 0; i < 2; i++) {
		greeting->permitted |= (uint64_t)sets[i].permitted << 32 * i;
		greeting->effective |= (uint64_t)sets[i].effective << 32 * i;
		greeting->inheritable |= (uint64_t)sets[i].inheritable << 32 * i;
	}
	return true;
}

/* execve(2) gives a process of root capabilities that its host may have dropped. */
bool initscript_limit_rights(const struct initscript_greeting *greeting)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];
	if (syscall(SYS_capget, &header, sets) != 0)
		return false;
	for (int i = 0; i < 2; i++) {
		sets[i].permitted &= greeting->permitted >> 32 * i;
		sets[i].effective &= greeting->effective >> 32 * i;
		sets[i].inheritable &= greeting->inheritable >> 32 * i;
	}
	return syscall(SYS_capset, &header, sets) == 0;
}

/* Not sigaction(3), which refuses the signals that libc keeps for itself; a parent may have left
 * them ignored. All zero is SIG_DFL without flags on every architecture. */
void initscript_reset_signals(void)
{
	const char defaults[64] = {0};
	for (int signal = 1; signal <= 64; signal++)
		syscall(SYS_rt_sigaction, signal, defaults, NULL, 8); /* EINVAL: SIGKILL, SIGSTOP */
}

void initscript_clear_environment(void)
{
	clearenv();
}

void initscript_set_name(const char *name)
{
	prctl(PR_SET_NAME, name);
}

static bool is_pid1(const struct initscript_request *request)
{
	return request->namespaces & CLONE_NEWPID;
}

/* A lock of fcntl(2) belongs to one process and is not inherited, so whoever has the file open can
 * see whether that process lives. Of a pipe, because nobody else can lock that. */
static int lock_a_file(void)
{
	int pipe[2];
	struct flock all = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	if (pipe2(pipe, O_CLOEXEC) != 0)
		return -1;
	close(pipe[1]); /* first: closing any descriptor of a file gives back its locks */
	INITSCRIPT_AUTO_CLOSE int lock = pipe[0];
	return fcntl(lock, F_SETLK, &all) == 0 ? initscript_hand_over(&lock) : -1;
}

struct initscript_parent initscript_as_parent(void)
{
	return (struct initscript_parent){.pid = getpid(), .lock = lock_a_file()};
}

bool initscript_sees_parent(const struct initscript_request *request)
{
	return !is_pid1(request);
}

/* A process that ends gives back its locks first, then gets its children another parent, and sends
 * their death signals. So a child that has asked for its signal and sees the old state gets it. A
 * pidfd would tell too late. */
static const char *end_with(const struct initscript_parent *server, bool sees_server)
{
	if (sees_server) {
		pid_t parent = syscall(SYS_getppid);
		if (parent > 0 && parent != server->pid)
			_exit(1);
		errno = parent == 0 ? EPERM : errno;
		return parent > 0 ? NULL : "getppid";
	}
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(server->lock, F_GETLK, &lock) != 0)
		return "fcntl";
	if (lock.l_type == F_UNLCK)
		_exit(1);
	errno = EPERM;
	return lock.l_type == F_RDLCK ? NULL : "fcntl";
}

const char *initscript_die_with_server(const struct initscript_parent *server, bool sees_server,
                                       bool verify)
{
	int signal = SIGKILL;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return "prctl";
	if (verify) {
		signal = 0;
		if (prctl(PR_GET_PDEATHSIG, &signal) != 0)
			return "prctl";
	}
	errno = EPERM;
	return signal == SIGKILL ? end_with(server, sees_server) : "prctl";
}

/* A child that clone(2) made is in its namespaces already, but for the time namespace, which only
 * children and executed programs enter. */
const char *initscript_enter(const struct initscript_request *request,
                             const struct initscript_parent *server)
{
	uint32_t remaining = request->namespaces;
	if (is_pid1(request))
		remaining &= CLONE_NEWTIME;
	if (remaining && unshare(remaining) != 0)
		return "unshare";
	/* After unshare(2), which can clear the signal. */
	return initscript_die_with_server(server, initscript_sees_parent(request), false);
}

/* PID 1 only ever executes C afterwards: it was made by clone(2), and libc does not know that. */
bool initscript_forks_again(const struct initscript_request *request, bool boots_go)
{
	(void)boots_go;
	return is_pid1(request);
}

void initscript_die_with(pid_t parent)
{
	(void)parent; /* PID 1 takes all of its namespace with it */
}

int initscript_fork_nonsense(void)
{
	return syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, NULL, NULL, NULL,
	               NULL); /* no CLONE_VM */
}

bool initscript_is_dumpable(void)
{
	return prctl(PR_GET_DUMPABLE) == 1;
}

void initscript_become_dumpable(void)
{
	prctl(PR_SET_DUMPABLE, 1);
}

const char *initscript_become_undumpable(bool verify)
{
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		return "prctl";
	errno = EPERM;
	return verify && prctl(PR_GET_DUMPABLE) != 0 ? "prctl" : NULL;
}

bool initscript_clock_is_quiet(void)
{
	return getauxval(AT_SYSINFO_EHDR); /* the vDSO */
}

int initscript_signal_process(int process, int signal)
{
	return syscall(SYS_pidfd_send_signal, process, signal, NULL, 0);
}
