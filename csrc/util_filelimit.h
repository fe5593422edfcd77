/*
 * The Go runtime raises the soft limit of open files for itself when it boots, and os/exec gives
 * children the one that was there before. So does the fork server.
 */
#ifndef INITSCRIPT_UTIL_FILELIMIT_H
#define INITSCRIPT_UTIL_FILELIMIT_H

#include <stdbool.h>
#include <sys/resource.h>

/* To be called before the Go runtime boots: notes RLIMIT_NOFILE, getrlimit(2). */
void initscript_note_file_limit(void);

/* Sets LIMIT to what children are to have, and returns true, if this process has what the Go
 * runtime has made of the limit at its boot. False if there is nothing to give back: the limit was
 * never raised, or the program has set another one since, which its children inherit. */
bool initscript_file_limit_before_go(struct rlimit *limit);

#endif
