/*
 * Descriptors in the control data of a received message. Whatever the kernel has installed in our
 * table must be found there, or it would stay open unnoticed.
 */
#ifndef INITSCRIPT_RIGHTS_H
#define INITSCRIPT_RIGHTS_H

#include "system.h"
#include "wire.h"

#include <stddef.h>
#include <sys/socket.h>

/* Room for the most descriptors that a message can have, beside what a socket option adds: the
 * sender's credentials and pidfd, a security label, the time. */
union initscript_control {
	char bytes[CMSG_SPACE(INITSCRIPT_MAX_FDS * sizeof(int)) +
	           CMSG_SPACE(sizeof(initscript_credentials)) + CMSG_SPACE(sizeof(int)) + 2048];
	struct cmsghdr alignment;
};

/* Stores the descriptors that were sent with MESSAGE, which recvmsg(2) has filled, in FDS, in their
 * order, at most ROOM. Closes all others in the control data: those beyond ROOM, and pidfds, which
 * the kernel adds for a socket with SO_PASSPIDFD. Returns how many were stored. */
size_t initscript_take_rights(struct msghdr *message, int *fds, size_t room);

#endif
