/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_CTYPE_H
#define FREEBSDTEST_CTYPE_H

int isdigit(int c);
int isalpha(int c);
int isspace(int c);

#endif
