/*
 * Starting a fork server. Runs in the host, called from Go.
 */
#ifndef INITSCRIPT_LAUNCH_H
#define INITSCRIPT_LAUNCH_H

/* Executes the file behind the descriptor PROGRAM, which needs no path and no /proc, with NULL_FD
 * as standard input, output and error and with CONTROL as INITSCRIPT_SERVER_FD. It has the limit of
 * open files that was there before Go raised it. The caller holds syscall.ForkLock. Returns the
 * pid, or -1 with errno set: what execveat(2) says, too. */
int initscript_launch(int program, int null_fd, int control, char *const argv[],
                      char *const envp[]);

#endif
