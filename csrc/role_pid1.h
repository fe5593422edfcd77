/*
 * A process that has run its script, and from which what follows is forked: the init process of a
 * PID namespace, and on FreeBSD that of an actor in Go.
 */
#ifndef INITSCRIPT_ROLE_PID1_H
#define INITSCRIPT_ROLE_PID1_H

#include "script.h"
#include "script_guard.h"

#include <stdnoreturn.h>
#include <sys/types.h>

/* fork(2), with every signal blocked in the parent, so that none is lost before
 * initscript_pid1() forwards it. The child has an empty mask, and runs only when that function has
 * made PID 1 harmless; if PID 1 ends before, so does the child. -1 with errno set on failure, which
 * may be one in the child; FAILED is then the system call. */
pid_t initscript_fork_from_pid1(const struct initscript_guard *guard, const char **failed);

/* Forwards SIGTERM, SIGUSR1, SIGUSR2, SIGHUP, SIGINT and SIGRTMIN+4 to PROGRAM, reaps orphans,
 * and ends with PROGRAM's exit status, or 128 + the signal that killed it. First it drops what
 * the script left on the stack and closes every descriptor: what lives on here is of use to nobody.
 * Where any of that fails it is reported, and PROGRAM never runs. SCRIPT is closed, and
 * its process closed to others (script_guard.h). */
noreturn void initscript_pid1(struct initscript_script *script, pid_t program);

#endif
