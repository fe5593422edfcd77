/*
 * Writes and reads the descriptors in control data. Whoever sends or receives any calls it. Each
 * descriptor that the kernel has put into our table is stored or closed when
 * initscript_take_rights() returns.
 */
#include "util_rights.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

void initscript_put_rights(struct msghdr *message, union initscript_control *control,
                           const int *fds, size_t count)
{
	const size_t size = count * sizeof *fds;
	message->msg_control = count > 0 ? control->bytes : NULL;
	message->msg_controllen = count > 0 ? CMSG_SPACE(size) : 0;
	if (count == 0)
		return;
	memset(control->bytes, 0, CMSG_SPACE(size)); /* nothing of the stack is in the padding */
	struct cmsghdr *rights = CMSG_FIRSTHDR(message);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(rights), fds, size);
}

void initscript_await_rights(struct msghdr *message, union initscript_control *control)
{
	message->msg_control = control->bytes;
	message->msg_controllen = sizeof control->bytes;
}

void initscript_await_first_right(struct msghdr *message, union initscript_control *control,
                                  size_t offset)
{
	message->msg_control = control->bytes;
	message->msg_controllen = offset + CMSG_LEN(sizeof(int)); /* CMSG_SPACE has room for two */
}

size_t initscript_offset_of_rights(struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	while (c && (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS))
		c = CMSG_NXTHDR(message, c);
	return c ? (char *)c - (char *)message->msg_control : 0;
}

size_t initscript_take_rights(struct msghdr *message, int *fds, size_t room)
{
	size_t stored = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		bool was_sent = c->cmsg_type == SCM_RIGHTS; /* a pidfd is the kernel's */
		if (c->cmsg_level != SOL_SOCKET ||
		    (!was_sent && c->cmsg_type != INITSCRIPT_SCM_PIDFD))
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (was_sent && stored < room)
				fds[stored++] = fd;
			else if (fd >=
			         0) /* Linux: the errno value, negated, if there is no pidfd */
				close(fd);
		}
	}
	return stored;
}
