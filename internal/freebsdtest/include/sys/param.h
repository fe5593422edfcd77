/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_PARAM_H
#define FREEBSDTEST_SYS_PARAM_H

#include <sys/types.h>

#define MAXPATHLEN 1024

#endif
