/*
 * A fork server that gets ready while the Go runtime boots.
 */
#include "role_launch.h"
#include "sys_executable.h"
#include "sys_process.h"
#include "util_failure.h"
#include "util_fds.h"
#include "util_socket.h"

#include <fcntl.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int host_end = -1;
static pid_t server;

/* The entries of the environment that the dynamic loader needs to find the same libraries. */
static void select_loader_entries(char *selected[INITSCRIPT_LOADER_ENTRIES + 1])
{
	static const char *const names[] = {"LD_LIBRARY_PATH=", "LD_PRELOAD="};
	for (size_t i = 0; i < INITSCRIPT_LOADER_ENTRIES; i++) {
		char **entry = environ;
		while (*entry && strncmp(*entry, names[i], strlen(names[i])) != 0)
			entry++;
		if (*entry)
			*selected++ = *entry;
	}
	*selected = NULL;
}

static noreturn void become_server(int control)
{
	const char *failed;
	char *loader[INITSCRIPT_LOADER_ENTRIES + 1];
	select_loader_entries(loader);
	int executable = initscript_open_executable(&failed);
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (executable >= 0 && null_fd >= 0)
		initscript_execute_server(executable, null_fd, control, NULL, loader);
	_exit(127); /* the host sees the end of the socket */
}

static int start(int own_end, int servers_end)
{
	struct initscript_greeting greeting;
	if (!initscript_make_greeting(&greeting) ||
	    !initscript_send(own_end, &greeting, sizeof greeting, NULL, 0))
		return -1;
	sigset_t all, old;
	sigfillset(&all); /* as in every server from its birth */
	sigprocmask(SIG_SETMASK, &all, &old);
	server = fork();
	if (server == 0)
		become_server(servers_end);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (server < 0)
		return -1;
	/* Away from numbers that a user may take for free ones: 0 to 2, if they are closed, would
	 * pass for standard streams. */
	return fcntl(own_end, F_DUPFD_CLOEXEC, INITSCRIPT_OUT_OF_THE_WAY);
}

void initscript_launch_early(void)
{
	int pair[2];
	if (initscript_is_secure() || host_end >= 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return;
	INITSCRIPT_AUTO_CLOSE int own_end = pair[0], servers_end = pair[1];
	host_end = start(own_end, servers_end);
}

int initscript_take_early(pid_t *pid)
{
	int taken = host_end;
	*pid = server;
	host_end = -1;
	return taken;
}
