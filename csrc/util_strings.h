/*
 * Strings that stand one behind the other, each with its NUL byte, as in the plan of wire.h.
 */
#ifndef INITSCRIPT_UTIL_STRINGS_H
#define INITSCRIPT_UTIL_STRINGS_H

#include <stddef.h>

/* A NULL-terminated array of the COUNT strings at PACKED, as execve(2) takes it; NULL when memory
 * ran out. Never freed: the process uses it until its end. */
char **initscript_strings(const char *packed, size_t count);

/* How many bytes the COUNT strings at PACKED have. */
size_t initscript_packed_size(const char *packed, size_t count);

/* A copy from malloc(3), or NULL when memory ran out. */
void *initscript_copy(const void *bytes, size_t size);

#endif
