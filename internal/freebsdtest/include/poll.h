/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_POLL_H
#define FREEBSDTEST_POLL_H

#define POLLIN 0x1
#define POLLPRI 0x2
#define POLLOUT 0x4
#define POLLERR 0x8
#define POLLHUP 0x10
#define POLLNVAL 0x20
typedef unsigned nfds_t;
struct pollfd {
	int fd;
	short events, revents;
};
int poll(struct pollfd fds[], nfds_t count, int milliseconds);

#endif
