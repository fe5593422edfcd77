/*
 * Has the fork server get ready while the Go runtime boots, where this command is going to need
 * one. Only a program that starts a child soon after its beginning gains from that.
 */
#include "../../csrc/launch.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Not "host": its program may change what a child inherits before it starts the first. */
static bool starts_children(const char *command)
{
	static const char *const commands[] = {"run", "repl"};
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(command, commands[i]) == 0)
			return true;
	return false;
}

__attribute__((constructor)) static void constructor(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc > 1 && starts_children(argv[1]))
		initscript_launch_early();
}
