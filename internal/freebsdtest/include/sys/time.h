/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_TIME_H
#define FREEBSDTEST_SYS_TIME_H

#include <sys/types.h>
#include <time.h>

struct timeval {
	time_t tv_sec;
	suseconds_t tv_usec;
};

#endif
