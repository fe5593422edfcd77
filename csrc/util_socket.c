/*
 * Messages of wire.h and their descriptors, whole or not at all. The early launch, the server, its
 * children and live mode use it. Received descriptors are close-on-exec, and none stays open after
 * a failure.
 */
#include "util_socket.h"

#include "util_rights.h"
#include "util_types.h"
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool initscript_send(int socket, const void *message, size_t size, const int *fds, size_t fd_count)
{
	union initscript_control control;
	struct iovec data = {.iov_base = (void *)message, .iov_len = size};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1};
	initscript_put_rights(&header, &control, fds, fd_count);
	ssize_t sent;
	do
		sent = sendmsg(socket, &header, INITSCRIPT_SEND_FLAGS);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)size;
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

bool initscript_receive(int socket, void *message, size_t size, int *fds, size_t *fd_count)
{
	union initscript_control control;
	struct iovec data = {.iov_base = message, .iov_len = size};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1};
	initscript_await_rights(&header, &control);
	ssize_t received;
	do
		received = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
	while (received < 0 && errno == EINTR);
	if (received < 0)
		return false;

	int arrived[INITSCRIPT_MAX_FDS];
	size_t count = initscript_take_rights(&header, arrived, INITSCRIPT_MAX_FDS);
	if (received != (ssize_t)size || count > *fd_count ||
	    header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		close_all(arrived, count);
		/* CONTROL has room for all that can be sent: the limit of descriptors has not. */
		bool too_many = header.msg_flags & MSG_CTRUNC;
		errno = received == 0 ? ECONNRESET : too_many ? EMFILE : EBADMSG;
		return false;
	}
	if (count > 0)
		memcpy(fds, arrived, count * sizeof(int));
	*fd_count = count;
	return true;
}
