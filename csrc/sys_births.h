/*
 * The server's part of what Linux and FreeBSD do differently: making children, and learning of
 * their ends.
 */
#ifndef INITSCRIPT_SYS_BIRTHS_H
#define INITSCRIPT_SYS_BIRTHS_H

#include "wire.h"

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Returns a descriptor that poll(2) calls readable when a child has ended, or -1 with errno set. To
 * be called once, with every signal blocked. */
int initscript_births_open(void);

/* Makes a child: its pid and, in *PROCESS, a descriptor of it, which the caller closes; 0 in the
 * child, where *PROCESS stays as it was; -1 with errno set, and in *FAILED what has failed: "fork",
 * or else the call for the descriptor. */
pid_t initscript_give_birth(int births, const struct initscript_request *request, int *process,
                            const char **failed);

/* Forgets that BIRTHS was readable. Everything that has ended must be reaped after that. */
void initscript_births_drain(int births);

/* Reaps one child that has ended: its pid, status and resource usage. 0 or -1 if there is none. */
pid_t initscript_reap(int births, int *status, struct rusage *usage);

/* Waits until every child has ended. */
void initscript_reap_all(int births);

#endif
