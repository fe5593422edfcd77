#include "rights.h"

#include <string.h>
#include <unistd.h>

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
