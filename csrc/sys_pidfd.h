/*
 * A descriptor for a process, on every kernel that can send a signal through one.
 */
#ifndef INITSCRIPT_SYS_PIDFD_H
#define INITSCRIPT_SYS_PIDFD_H

#include <sys/types.h>

/* Returns a descriptor of a child that has not been waited for, or -1 with errno. Without
 * pidfd_open(2) it is the child's directory in /proc, which pidfd_send_signal(2) takes as well. */
int initscript_pidfd_of_child(pid_t pid);

#endif
