/*
 * A process that has run its script, and from which what follows is forked: the init process of a
 * PID namespace, and on FreeBSD that of an actor in Go.
 */
#ifndef INITSCRIPT_PID1_H
#define INITSCRIPT_PID1_H

#include <stdnoreturn.h>
#include <sys/types.h>

/* fork(2), with every signal blocked in the parent, so that none is lost before
 * initscript_pid1() forwards it. The child has an empty mask, and runs only when that function has
 * made PID 1 harmless. -1 with errno set on failure. */
pid_t initscript_fork_from_pid1(void);

/* Forwards SIGTERM, SIGUSR1, SIGUSR2, SIGHUP, SIGINT and SIGRTMIN+4 to PROGRAM, reaps orphans,
 * and ends with PROGRAM's exit status, or 128 + the signal that killed it. First it drops what
 * the script left on the stack, makes itself undumpable and closes every descriptor: what lives on
 * here is of use to nobody. */
noreturn void initscript_pid1(pid_t program);

#endif
