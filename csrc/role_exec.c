/*
 * The last step of a child whose program is no actor. The child calls it, behind PID 1 if there is
 * one. It returns in no case: the program runs, or the host knows why not and the process has
 * ended.
 */
#include "role_exec.h"

#include "script_notes.h"
#include "sys_interpreter.h"
#include "tell_report.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *search_path(char **envp)
{
	for (; *envp; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			return *envp + 5;
	return "";
}

/* Tries every directory of PATH, like execvp(3): a file that may not be executed does not hide
 * a later one, but is what gets reported. Returns errno; FOUND is the path it belongs to. */
static int exec_in_path(const char *name, char **argv, char **envp, char found[PATH_MAX])
{
	int error = ENOENT;
	snprintf(found, PATH_MAX, "%s", name);
	for (const char *entry = search_path(envp), *next; *entry; entry = next) {
		size_t length = strcspn(entry, ":");
		next = entry + length + (entry[length] == ':');
		char path[PATH_MAX];
		/* An empty entry would mean the working directory; nobody asks for that today. */
		if (length == 0 || length + strlen(name) + 2 > sizeof path)
			continue;
		snprintf(path, sizeof path, "%.*s/%s", (int)length, entry, name);
		execve(path, argv, envp);
		/* ENOENT may also mean that the file is there and its interpreter is not. */
		if (errno == ENOENT && access(path, F_OK) != 0)
			continue;
		/* ENOTDIR: this entry of PATH is no directory. */
		if (errno != ENOTDIR && error == ENOENT) {
			error = errno;
			strcpy(found, path);
		}
		/* EACCES: the file may not be executed, or the directory not be searched; a later
		 * one may do. All else (ENOEXEC, E2BIG) is about the file that was found. */
		if (errno != EACCES && errno != ENOTDIR)
			break;
	}
	return error;
}

noreturn void initscript_exec(const struct initscript_script *script, const char *path, char **argv,
                              char **envp)
{
	char found[PATH_MAX], interpreter[PATH_MAX] = "", *missing = "";
	int error, start_socket = script->start_socket;
	initscript_report(start_socket, INITSCRIPT_SCRIPT_DONE, 0);
	if (strchr(path, '/')) {
		execve(path, argv, envp);
		error = errno;
		snprintf(found, sizeof found, "%s", path);
	} else {
		error = exec_in_path(path, argv, envp, found);
	}
	/* execve(2) says ENOENT also when the file is there and its interpreter is not. */
	if (error == ENOENT || !script->notes.lines[INITSCRIPT_NOTE_SECCOMP])
		initscript_read_interpreter(found, interpreter);
	if (error == ENOENT && interpreter[0] && access(interpreter, F_OK) != 0)
		missing = interpreter;
	initscript_explain_program(start_socket, &script->notes, found, interpreter);
	const char *fields[] = {found, missing};
	initscript_report_strings(start_socket, INITSCRIPT_EXEC_FAILED, error, 0, fields, 2);
	bool not_found = error == ENOENT && !missing[0];
	_exit(not_found ? 127 : 126);
}
