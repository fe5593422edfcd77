/*
 * Live mode: an init script that runs in a program with many threads, and confines that program.
 */
#ifndef INITSCRIPT_ROLE_LIVE_H
#define INITSCRIPT_ROLE_LIVE_H

#include "sys_threads.h"

#include <stddef.h>
#include <stdint.h>

struct initscript_confinement;

/* What a script asks of the program, in Go (bindings_linux.go). It is called on the thread that
 * called initscript_confine(), which has the program's descriptors, while no thread is stopped and
 * the script's thread waits. Returns what the system call returns, or an errno value, negated. */
typedef long (*initscript_operation)(struct initscript_confinement *, struct initscript_call *);

struct initscript_confinement {
	const char *script;
	size_t script_length;
	const char *script_name;
	uint64_t memory_limit; /* of the script, bytes */
	int arg;               /* descriptor, -1: none */
	int tasks;             /* /proc/self/task, or the errno value, negated, of opening it */
	/* Sockets: a ruleset comes to the program's, 0, from the script's, 1. The latter is closed
	 * here, and -1, when the script runs. */
	int pair[2];
	void *stack; /* for the script's thread */
	size_t stack_size;
	/* Has all threads make the call. */
	initscript_operation change;
	/* The same for landlock_restrict_self(2), with a ruleset that comes over the pair. */
	initscript_operation restrict_self;
	/* Not 0 if LANDLOCK_SCOPE_SIGNAL would leave the process in working order. */
	initscript_operation can_scope_signals;
};

enum { INITSCRIPT_MESSAGE_SIZE = 1024 };

/* Why a script was not run. */
struct initscript_refusal {
	const char *system_call;               /* that failed, or NULL */
	int error;                             /* of it, errno */
	char message[INITSCRIPT_MESSAGE_SIZE]; /* of the compiler, or "" */
};

/* Runs a script on the current process. It returns when the script has ended well, or was not
 * run; then nothing has changed, and REFUSAL says why. A script that fails ends the process with
 * status 1, as it does in a child. One call at a time. */
int initscript_confine(struct initscript_confinement *confinement,
                       struct initscript_refusal *refusal);

#endif
