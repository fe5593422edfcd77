/*
 * A child from its birth to the program, or to the Go runtime of an actor.
 */
#ifndef INITSCRIPT_ROLE_CHILD_H
#define INITSCRIPT_ROLE_CHILD_H

#include "script.h"
#include "sys_process.h"
#include "wire.h"

/* Takes over a process that the server has just made: finishes its namespaces, receives the plan
 * on START_SOCKET, runs SCRIPT (prepared before the fork), executes the program.
 * Exit status: 1 set-up or script failed, 126 and 127 as exec(3) in a shell, else the program's.
 * It returns in a process that is to become an actor (initscript_become_actor() was called): this
 * is never PID 1 of a namespace, always a child of fork(3), so that libc knows its thread. */
void initscript_child(struct initscript_script *script, const struct initscript_request *request,
                      int start_socket, const struct initscript_parent *server);

#endif
