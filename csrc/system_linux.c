#include "system.h"

#include "api.h"
#include "fds.h"
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
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

struct initscript_parent initscript_as_parent(void)
{
	const pid_t self = getpid();
	return (struct initscript_parent){
	        .pid = self,
	        .pidfd = syscall(SYS_pidfd_open, self, 0),
	};
}

/* The parent of a PID 1 cannot be seen by its number. Without a pidfd the end of the start socket
 * tells of a dead server, unless the host has sent all beforehand. */
static bool has_ended(const struct initscript_parent *server, bool visible)
{
	if (visible)
		return getppid() != server->pid;
	struct pollfd end = {.fd = server->pidfd, .events = POLLIN};
	return server->pidfd >= 0 && poll(&end, 1, 0) != 0;
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
	/* After unshare(2), which can clear it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return "prctl";
	if (has_ended(server, !is_pid1(request)))
		_exit(1);
	return NULL;
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

void initscript_become_undumpable(void)
{
	prctl(PR_SET_DUMPABLE, 0);
}

bool initscript_clock_is_quiet(void)
{
	return getauxval(AT_SYSINFO_EHDR); /* the vDSO */
}

int initscript_signal_process(int process, int signal)
{
	return syscall(SYS_pidfd_send_signal, process, signal, NULL, 0);
}

long initscript_no_new_privs(lua_State *L)
{
	return initscript_change(L, SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
