/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_INTTYPES_H
#define FREEBSDTEST_INTTYPES_H

#include <stdint.h>

#define PRIx64 "lx"
#define PRIu64 "lu"
#define PRId64 "ld"

#endif
