/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_UIO_H
#define FREEBSDTEST_SYS_UIO_H

#include <sys/types.h>

struct iovec {
	void *iov_base;
	size_t iov_len;
};

#endif
