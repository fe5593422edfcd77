/*
 * The copy of the program that fork servers are executed from.
 */
#ifndef INITSCRIPT_PROGRAM_H
#define INITSCRIPT_PROGRAM_H

/* Returns a sealed memfd with all that is loaded of the running program, close-on-exec, so that
 * nothing in a child leads to the file on disk. Needs /proc. On FreeBSD the file itself, opened for
 * execution only. On failure -1 with errno set; FAILED is then the system call. */
int initscript_copy_program(const char **failed);

#endif
