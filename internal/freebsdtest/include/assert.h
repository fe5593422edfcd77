/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_ASSERT_H
#define FREEBSDTEST_ASSERT_H

#include <stdlib.h>

#define assert(condition) ((condition) ? (void)0 : abort())

#endif
