/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_SYSCTL_H
#define FREEBSDTEST_SYS_SYSCTL_H

#include <sys/types.h>

#define CTL_KERN 1
#define KERN_PROC 14
#define KERN_PROC_PATHNAME 12
int sysctl(const int *name, u_int count, void *old, size_t *old_size, const void *new,
           size_t new_size);

#endif
