/*
 * Having every thread of a process make the same system call, for what the kernel keeps per thread.
 *
 * The threads are stopped first, all of them, and only then does the first one make the call. So
 * nothing that the call takes away (/proc, signals) is needed once it was made, no thread can run
 * or start another one half-way, and what cannot be done fails while nothing has changed yet.
 */
#ifndef INITSCRIPT_THREADS_H
#define INITSCRIPT_THREADS_H

#include <stdbool.h>
#include <sys/types.h>

/* A system call and its arguments. */
struct initscript_call {
	long number;
	long arguments[5];
};

/* Stops every thread but the caller and OTHER, which must not need anything that a stopped thread
 * may hold: memory from malloc(), stdio. TASKS is an open /proc/self/task. False with errno set if
 * not all could be stopped; then they run again. One process-wide stop at a time. */
bool initscript_threads_stop(int tasks, pid_t other);

/* Lets the stopped threads go on. */
void initscript_threads_release(void);

/* Has the caller and every stopped thread make the call, and lets them go on. False unless the
 * call returned 0 in each. */
bool initscript_threads_make(const struct initscript_call *call);

#endif
