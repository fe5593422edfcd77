/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_CAPSICUM_HELPERS_H
#define FREEBSDTEST_CAPSICUM_HELPERS_H

#include <sys/types.h>

int caph_limit_stdio(void);
void caph_cache_tzdata(void);

#endif
