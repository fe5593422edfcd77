//go:build (linux || freebsd) && cgo

/*
 * Refuses secure mode, and has the fork server get ready while the Go runtime boots, where this
 * command is going to need one. Only a program that starts a child soon after its beginning gains
 * from that.
 */
#include "../../csrc/role_launch.h"
#include "../../csrc/sys_process.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_FAILED = 125 }; /* as in failure.go */

/* Not "host": its program may change what a child inherits before it starts the first. */
static bool starts_children(const char *command)
{
	static const char *const commands[] = {"run", "repl"};
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(command, commands[i]) == 0)
			return true;
	return false;
}

/* Set-uid, or with file capabilities, the command would give whoever calls it what the file has:
 * nothing here was made for that. So nothing of the Go side runs then, not even the help. */
static void refuse_secure_mode(void)
{
	static const char refusal[] = "initscript: refused: the kernel executes this in secure "
	                              "mode (AT_SECURE), because it is set-uid, set-gid or has "
	                              "file capabilities, or because its caller's real and "
	                              "effective ids differ\n";
	if (!initscript_is_secure())
		return;
	ssize_t written = write(STDERR_FILENO, refusal, sizeof refusal - 1);
	(void)written; /* the status tells as much */
	_exit(STATUS_FAILED);
}

__attribute__((constructor)) static void constructor(int argc, char **argv, char **envp)
{
	(void)envp;
	refuse_secure_mode();
	if (argc > 1 && starts_children(argv[1]))
		initscript_launch_early();
}
