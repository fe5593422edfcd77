/*
 * Looking at received descriptors, and closing them, where nobody waits. Whoever sends a descriptor
 * chooses what it is: close(2) of a file of a FUSE file system waits for the process that serves
 * it, and no signal ends that, SIGKILL included. So what is refused never gets into our table.
 *
 * The functions may be called by several threads at once.
 */
#ifndef INITSCRIPT_SYS_EXAMINE_H
#define INITSCRIPT_SYS_EXAMINE_H

#include "wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the descriptors of a packet are. */
struct initscript_examined {
	size_t count;
	bool is_channel[INITSCRIPT_MAX_FDS]; /* an AF_UNIX SOCK_SEQPACKET socket */
	/* The first one: its seals, or -1 and errno, and the size if it has seals. */
	int seals, seals_error;
	int64_t size;
	/* Where in the control data they begin: behind what socket options add. */
	size_t offset;
};

/* Looks at descriptors that are in our table. Asks no file system and waits for nothing. */
void initscript_describe(const int *fds, size_t count, struct initscript_examined *examined);

/* Looks at the descriptors of the packet that SOCKET has next, which stays there. They get into the
 * table of a short-lived process that shares our memory, and never into ours. Returns 0, or an
 * errno value: ENOSYS if this process can make no other (a seccomp filter, RLIMIT_NPROC, FreeBSD),
 * EMFILE if there is no room for the descriptors, EAGAIN if there is no packet any more, or another
 * of recvmsg(2). */
int initscript_examine(int socket, struct initscript_examined *examined);

/* close(2) for what was received, without waiting. Where the call could wait, a process that shares
 * our table makes it; where dropping a socket or what is in its queue could, a process that exits
 * drops it last. If there can be none, the call is made here. */
void initscript_close_aside(int fd);

#endif
