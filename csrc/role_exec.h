/*
 * Executing the program after the script.
 */
#ifndef INITSCRIPT_ROLE_EXEC_H
#define INITSCRIPT_ROLE_EXEC_H

#include "script.h"

#include <stdnoreturn.h>

/* Reports INITSCRIPT_SCRIPT_DONE and executes PATH after SCRIPT, which is closed.
 * Without a slash it is looked for in the PATH of ENVP. On failure reports INITSCRIPT_EXEC_FAILED
 * with the interpreter that is missing, if that is the reason, and ends with status 127 (not found)
 * or 126 (not executable). */
noreturn void initscript_exec(const struct initscript_script *script, const char *path, char **argv,
                              char **envp);

#endif
