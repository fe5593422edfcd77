/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_STDIO_H
#define FREEBSDTEST_STDIO_H

#include <stdarg.h>
#include <sys/types.h>

typedef struct __sFILE FILE;
extern FILE *__stdinp, *__stdoutp, *__stderrp;
#define stdin __stdinp
#define stdout __stdoutp
#define stderr __stderrp
#define BUFSIZ 1024
#define EOF (-1)
int fflush(FILE *file);
int fclose(FILE *file);
FILE *fopen(const char *restrict path, const char *restrict mode);
char *fgets(char *restrict to, int size, FILE *restrict file);
int fputs(const char *restrict s, FILE *restrict file);
int fputc(int c, FILE *file);
int printf(const char *restrict format, ...) __attribute__((format(printf, 1, 2)));
int fprintf(FILE *restrict file, const char *restrict format, ...)
        __attribute__((format(printf, 2, 3)));
int snprintf(char *restrict to, size_t size, const char *restrict format, ...)
        __attribute__((format(printf, 3, 4)));
int sprintf(char *restrict to, const char *restrict format, ...)
        __attribute__((format(printf, 2, 3)));
int sscanf(const char *restrict s, const char *restrict format, ...);
int vsnprintf(char *restrict to, size_t size, const char *restrict format, va_list arguments)
        __attribute__((format(printf, 3, 0)));
int vfprintf(FILE *restrict file, const char *restrict format, va_list arguments)
        __attribute__((format(printf, 2, 0)));
int vasprintf(char **to, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));

#endif
