/*
 * Live mode: an init script that runs in a program with many threads, and confines that program.
 */
#ifndef INITSCRIPT_LIVE_H
#define INITSCRIPT_LIVE_H

#include <stddef.h>
#include <stdint.h>

struct initscript_confinement {
	const char *script;
	size_t script_length;
	const char *script_name;
	uint64_t memory_limit; /* of the script, bytes */
	int arg;               /* descriptor, -1: none */
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
int initscript_confine(const struct initscript_confinement *confinement,
                       struct initscript_refusal *refusal);

#endif
