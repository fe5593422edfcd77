#include "message.h"
#include "system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void take_fds(struct initscript_packet *packet, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t size = c->cmsg_len - CMSG_LEN(0);
		memcpy(packet->fds + packet->fd_count, CMSG_DATA(c), size);
		packet->fd_count += size / sizeof(int);
	}
}

/* A program can turn on SO_PASSCRED for its socket; there has to be room for that, too. */
union control {
	char bytes[CMSG_SPACE(sizeof(initscript_credentials)) +
	           CMSG_SPACE((INITSCRIPT_MESSAGE_FDS + 1) * sizeof(int))];
	struct cmsghdr alignment;
};

enum initscript_received initscript_packet_receive(struct initscript_packet *packet, int socket)
{
	union control control;
	struct iovec data = {.iov_base = packet->bytes, .iov_len = sizeof packet->bytes};
	for (;;) {
		struct msghdr message = {
		        .msg_iov = &data,
		        .msg_iovlen = 1,
		        .msg_control = control.bytes,
		        .msg_controllen = sizeof control.bytes,
		};
		ssize_t length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		/* ECONNRESET is said once when the peer left a message unread; what it sent
		 * follows. */
		if (length < 0 && (errno == EINTR || errno == ECONNRESET))
			continue;
		if (length < 0)
			return errno == EAGAIN ? INITSCRIPT_NOTHING_THERE : INITSCRIPT_SOURCE_ENDS;
		packet->length = length;
		take_fds(packet, &message);
		if (length == 0 || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
			return INITSCRIPT_SOURCE_ENDS;
		return INITSCRIPT_RECEIVED;
	}
}

void initscript_packet_clear(struct initscript_packet *packet)
{
	for (size_t i = 0; i < packet->fd_count; i++)
		if (packet->fds[i] >= 0)
			close(packet->fds[i]);
	packet->fd_count = 0;
	free(packet->memfd_body);
	packet->memfd_body = NULL;
}
