/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_STRINGS_H
#define FREEBSDTEST_STRINGS_H

#include <string.h>

#endif
