/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_STDLIB_H
#define FREEBSDTEST_STDLIB_H

#include <sys/types.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
_Noreturn void abort(void);
_Noreturn void exit(int status);
int atexit(void (*function)(void));
int atoi(const char *s);
long strtol(const char *restrict s, char **restrict end, int base);
char *getenv(const char *name);
int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);

#endif
