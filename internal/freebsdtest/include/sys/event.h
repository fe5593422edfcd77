/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_EVENT_H
#define FREEBSDTEST_SYS_EVENT_H

#include <sys/types.h>
#include <time.h>

#define EVFILT_PROCDESC -0x8
#define EV_ADD 0x1
#define NOTE_EXIT 0x80000000
struct kevent {
	uintptr_t ident;
	short filter;
	unsigned short flags;
	unsigned fflags;
	int64_t data;
	void *udata;
	uint64_t ext[4];
};
#define EV_SET(event, i, f, fl, ff, d, u)                                                          \
	(*(event) = (struct kevent){.ident = (i),                                                  \
	                            .filter = (f),                                                 \
	                            .flags = (fl),                                                 \
	                            .fflags = (ff),                                                \
	                            .data = (d),                                                   \
	                            .udata = (u)})
int kqueue(void);
int kevent(int fd, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *limit);

#endif
