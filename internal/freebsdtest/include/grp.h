/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_GRP_H
#define FREEBSDTEST_GRP_H

#include <sys/types.h>

#endif
