/*
 * What the host needs to explain a failure: what the script has done before, and what can be
 * learned about the objects of the failed call. It is collected in the child, before the failure is
 * reported.
 *
 * Behind a seccomp filter of the script any system call may end the process. So what the script
 * does is noted as it happens, at no cost but memory, and system calls are made for the rest only
 * while the script has installed no filter.
 */
#ifndef INITSCRIPT_SCRIPT_NOTES_H
#define INITSCRIPT_SCRIPT_NOTES_H

#include "script.h"

/* Notes that the call NAME, whose arguments are at the bottom of the stack, has succeeded. */
void initscript_note(lua_State *L, const char *name);

/* Tells what may explain that the call NAME has failed with ERROR, which is told next. */
void initscript_explain_call(lua_State *L, const char *name, int error);

/* The same for the program PATH, which could not be executed; INTERPRETER is what it names, or "".
 * NOTES is what the script has left. */
void initscript_explain_program(int fd, const struct initscript_notes *notes, const char *path,
                                const char *interpreter);

#endif
