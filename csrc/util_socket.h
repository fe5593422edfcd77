/*
 * Messages with descriptors over the SEQPACKET sockets of wire.h.
 */
#ifndef INITSCRIPT_UTIL_SOCKET_H
#define INITSCRIPT_UTIL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

/* Sends one message with FD_COUNT descriptors; false with errno set when that failed. */
bool initscript_send(int socket, const void *message, size_t size, const int *fds, size_t fd_count);

/* Receives one message of exactly SIZE bytes with at most *FD_COUNT descriptors (close-on-exec),
 * whose number is stored back. False with errno set on failure: ECONNRESET when the peer has
 * closed, EMFILE when this process has no room for the descriptors, EBADMSG for a message of
 * another size or with more descriptors. All that have come are closed then. */
bool initscript_receive(int socket, void *message, size_t size, int *fds, size_t *fd_count);

#endif
