/*
 * The way from a child into the Go runtime: the process goes on where its program would have begun,
 * with a stack block (arguments, environment, auxiliary vector) of its own.
 */
#ifndef INITSCRIPT_ROLE_ACTOR_H
#define INITSCRIPT_ROLE_ACTOR_H

#include "wire.h"

#include <stdbool.h>
#include <stdnoreturn.h>

/* What the Go side of an actor has to know. */
struct initscript_actor {
	char *entry;
	int start_socket; /* then follow the files of initscript_hidden_file */
	int extra_files;  /* from INITSCRIPT_EXTRA_FD on */
};

/* This process, or NULL if it is no actor. */
const struct initscript_actor *initscript_this_actor(void);

/* To be called while ENV is still the block that the kernel made: notes where the auxiliary vector
 * is. */
void initscript_note_auxv(char **env);

/* Makes this process the actor ACTOR, with the entry, arguments and environment of PLAN, all
 * copied. False when memory ran out. */
bool initscript_become_actor(const struct initscript_actor *actor, const char *plan_base,
                             const struct initscript_plan *plan);

typedef void initscript_constructor(int argc, char **argv, char **envp);

/* Goes on with the program as the C library would have after the constructor CALLER, but with the
 * stack block of the actor: calls the constructors that come later, and main(). */
noreturn void initscript_boot_actor(initscript_constructor *caller);

#endif
