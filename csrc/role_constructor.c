/*
 * Decides, before the Go runtime boots, whether this process is a fork server.
 *
 * This runs in every program that links the package, so it only looks at a resource limit unless a
 * host really started this process for the purpose: the environment marker alone proves nothing. It
 * must name an inherited socket whose other end was made by our parent, and which holds our
 * greeting.
 */
#include "role_actor.h"
#include "role_server.h"
#include "sys_process.h"
#include "util_filelimit.h"
#include "wire.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_parents_socket(int fd)
{
	int type;
	socklen_t length = sizeof type;
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET &&
	       initscript_is_parents_socket(fd);
}

static bool has_greeting(int fd, struct initscript_greeting *greeting)
{
	char message[sizeof *greeting + 1]; /* one more, to notice a longer one */
	if (recv(fd, message, sizeof message, MSG_DONTWAIT) != sizeof *greeting)
		return false;
	memcpy(greeting, message, sizeof *greeting);
	return strncmp(greeting->text, INITSCRIPT_GREETING, sizeof greeting->text) == 0;
}

/* The marker's value, or NULL. The entry is emptied where it stands: moving the others would
 * break the layout that the Go runtime walks to find its auxiliary vector. */
static const char *take_marker(char **env)
{
	static char nothing[] = "";
	static const char marker[] = INITSCRIPT_MARKER "=";
	const char *value = NULL;
	for (; *env; env++) {
		if (strncmp(*env, marker, sizeof marker - 1) == 0) {
			value = *env + sizeof marker - 1;
			*env = nothing;
		}
	}
	return value;
}

__attribute__((constructor)) static void constructor(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	initscript_note_file_limit();
	const char *value = take_marker(environ);
	if (!value)
		return;
	char *end;
	long fd = strtol(value, &end, 10);
	if (*value == '\0' || *end != '\0' || fd < 3 || fd > 1 << 20)
		return;
	struct initscript_greeting greeting;
	if (!is_parents_socket(fd) || !has_greeting(fd, &greeting))
		return;
	/* Set-uid, or a host whose real and effective ids differ. Going on as the program itself
	 * would run it a second time. */
	if (initscript_is_secure())
		_exit(1);
	initscript_note_auxv(environ);
	initscript_serve(fd, &greeting);
	initscript_boot_actor(constructor);
}
