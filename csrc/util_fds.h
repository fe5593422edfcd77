/*
 * Descriptor numbers, and closing. While a script runs its descriptors have Emilua's numbers.
 */
#ifndef INITSCRIPT_UTIL_FDS_H
#define INITSCRIPT_UTIL_FDS_H

#include <stdbool.h>

enum {
	INITSCRIPT_SERVER_FD = 3, /* the control socket, in the server */
	INITSCRIPT_INBOX_FD = 3,  /* while the script runs */
	INITSCRIPT_ARG_FD = 4,
	INITSCRIPT_EXTRA_FD = 5,        /* the first extra file; the program gets it as 3 */
	INITSCRIPT_OUT_OF_THE_WAY = 64, /* this far above numbers that others use */
};

/* Closes every descriptor from FIRST to LAST, both included; nothing when LAST < FIRST. False
 * with errno set when it failed. Without close_range(2) (before Linux 5.9) one by one. */
bool initscript_close_range(unsigned first, unsigned last);

/* The path by which Linux finds one of our open descriptors. */
struct initscript_fd_path {
	char text[32];
};
struct initscript_fd_path initscript_fd_path(int fd);

/* Duplicates FD, close-on-exec, out of the way of those that use numbers from LOWEST on, or at
 * LOWEST itself where the limit of descriptors is that low. Returns the number, or -1 with errno
 * set. */
int initscript_duplicate_above(int fd, int lowest);

#endif
