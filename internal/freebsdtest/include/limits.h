/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_LIMITS_H
#define FREEBSDTEST_LIMITS_H

#include_next <limits.h>
#define PATH_MAX 1024

#endif
