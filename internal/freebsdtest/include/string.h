/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_STRING_H
#define FREEBSDTEST_STRING_H

#include <sys/types.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *bytes, int byte, size_t size);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t size);
size_t strcspn(const char *s, const char *set);
size_t strspn(const char *s, const char *set);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
char *strcpy(char *restrict to, const char *restrict from);
char *strncpy(char *restrict to, const char *restrict from, size_t size);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *part);
char *strdup(const char *s);
char *strerror(int error);
int strerror_r(int error, char *buffer, size_t size);
void explicit_bzero(void *bytes, size_t size);

#endif
