/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_TIME_H
#define FREEBSDTEST_TIME_H

#include <sys/types.h>

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 4
struct timespec {
	time_t tv_sec;
	long tv_nsec;
};
int clock_gettime(clockid_t clock, struct timespec *time);
int nanosleep(const struct timespec *wanted, struct timespec *left);
void tzset(void);

#endif
