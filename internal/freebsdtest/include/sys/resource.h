/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_RESOURCE_H
#define FREEBSDTEST_SYS_RESOURCE_H

#include <sys/time.h>
#include <sys/types.h>

#define RLIMIT_CPU 0x0
#define RLIMIT_FSIZE 0x1
#define RLIMIT_DATA 0x2
#define RLIMIT_STACK 0x3
#define RLIMIT_CORE 0x4
#define RLIMIT_RSS 0x5
#define RLIMIT_MEMLOCK 0x6
#define RLIMIT_NPROC 0x7
#define RLIMIT_NOFILE 0x8
#define RLIMIT_AS 0xa
#define PRIO_PROCESS 0x0
#define RLIM_INFINITY ((rlim_t)0x7fffffffffffffff)

struct rlimit {
	rlim_t rlim_cur, rlim_max;
};
struct rusage {
	struct timeval ru_utime, ru_stime;
	long ru_maxrss, ru_ixrss, ru_idrss, ru_isrss;
	long ru_minflt, ru_majflt, ru_nswap, ru_inblock, ru_oublock;
	long ru_msgsnd, ru_msgrcv, ru_nsignals, ru_nvcsw, ru_nivcsw;
};

int getrlimit(int resource, struct rlimit *limit);
int setrlimit(int resource, const struct rlimit *limit);

#endif
