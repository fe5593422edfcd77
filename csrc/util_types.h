/*
 * Types and values that Linux and FreeBSD have under other names.
 */
#ifndef INITSCRIPT_UTIL_TYPES_H
#define INITSCRIPT_UTIL_TYPES_H

#ifdef __FreeBSD__
#include "util_types_freebsd.h"
#else
#include "util_types_linux.h"
#endif

#endif
