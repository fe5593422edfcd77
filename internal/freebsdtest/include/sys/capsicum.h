/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_CAPSICUM_H
#define FREEBSDTEST_SYS_CAPSICUM_H

#include <sys/types.h>

int cap_enter(void);
int cap_getmode(u_int *mode);

#endif
