/*
 * Starting a fork server. Runs in the host: called from Go, or before Go boots.
 */
#ifndef INITSCRIPT_ROLE_LAUNCH_H
#define INITSCRIPT_ROLE_LAUNCH_H

#include "wire.h"

#include <sys/resource.h>
#include <sys/types.h>

#define INITSCRIPT_SERVER_NAME "initscript-server" /* its argv[0] */

enum { INITSCRIPT_LOADER_ENTRIES = 2 };

/* Becomes a server: executes the file behind the descriptor EXECUTABLE, which needs no path and no
 * /proc, with NULL_FD as standard input, output and error and with CONTROL as
 * INITSCRIPT_SERVER_FD. LOADER are the entries of the environment
 * for the dynamic loader, at most INITSCRIPT_LOADER_ENTRIES and NULL; FILES is the limit of open
 * files, NULL for that of this process. Makes system calls only. Returns on failure, with errno
 * set. */
void initscript_execute_server(int executable, int null_fd, int control, const struct rlimit *files,
                               char *const loader[]);

/* Starts a server, with the limit of open files that was there before Go raised it. The arguments
 * are those of initscript_execute_server. The caller holds syscall.ForkLock.
 * Returns the pid, or -1 with errno set: what execveat(2) says, too. */
int initscript_launch(int executable, int null_fd, int control, char *const loader[]);

/* Starts a fork server, in a process that executes this program again. To be
 * called by a constructor of a program that is going to start children, so that the server gets
 * ready while the Go runtime boots. Where that fails, the first start launches a server as it
 * always does. */
void initscript_launch_early(void);

/* Returns the host's end of the control socket of that server, which the greeting has been sent
 * to, and its PID; -1 if there is none, or it has been taken already. The caller makes sure that
 * nothing else does so now. */
int initscript_take_early(pid_t *pid);

#endif
