/*
 * Descriptors in the control data of messages, SCM_RIGHTS in unix(7). This is the only place that
 * writes and reads them. Whatever the kernel has installed in our table with a received message
 * must be found there, or it would stay open unnoticed.
 */
#ifndef INITSCRIPT_UTIL_RIGHTS_H
#define INITSCRIPT_UTIL_RIGHTS_H

#include "util_types.h"
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

/* Gives MESSAGE the COUNT descriptors at FDS, at most INITSCRIPT_MAX_FDS, in CONTROL; with none the
 * message has no control data. */
void initscript_put_rights(struct msghdr *message, union initscript_control *control,
                           const int *fds, size_t count);

/* Gives MESSAGE the room of CONTROL for what recvmsg(2) receives. */
void initscript_await_rights(struct msghdr *message, union initscript_control *control);

/* The same with room for one descriptor behind OFFSET bytes of what socket options add. The kernel
 * drops the others. */
void initscript_await_first_right(struct msghdr *message, union initscript_control *control,
                                  size_t offset);

/* How many bytes of other control data precede the descriptors of a received message; 0 if it has
 * none. */
size_t initscript_offset_of_rights(struct msghdr *message);

/* Stores the descriptors that were sent with MESSAGE, which recvmsg(2) has filled, in FDS, in their
 * order, at most ROOM. Closes all others in the control data: those beyond ROOM, and pidfds, which
 * the kernel adds for a socket with SO_PASSPIDFD. Returns how many were stored. */
size_t initscript_take_rights(struct msghdr *message, int *fds, size_t room);

#endif
