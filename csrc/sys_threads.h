/*
 * Having every thread of a process make the same system call, for what the kernel keeps per thread
 * and can change in one thread only.
 *
 * The threads are stopped first, all of them, and only then does the first one make the call. So
 * nothing that the call takes away (/proc, signals) is needed once it was made, no thread can run
 * or start another one half-way, and what cannot be done fails while nothing has changed yet.
 */
#ifndef INITSCRIPT_SYS_THREADS_H
#define INITSCRIPT_SYS_THREADS_H

#include <stdbool.h>
#include <stdnoreturn.h>
#include <sys/types.h>

/* A system call and its arguments. The script's thread has other descriptors than the program, so
 * argument 0 has a value of its own there. */
struct initscript_call {
	long number;
	long arguments[5];
	pid_t script_thread;
	long script_argument;
};

/* Stops every thread but the caller, has the caller make the call, then every stopped thread, and
 * lets them go on. TASKS is an open /proc/self/task. False with errno set if not all threads could
 * be stopped, or if the call failed in the caller: then nothing has changed. Ends the process if
 * the call, which returns 0 when it succeeds, succeeded in the caller and not in another thread.
 * One at a time in a process. */
bool initscript_every_thread(int tasks, const struct initscript_call *call);

/* Ends the process with status 1, and says why on stderr: it may be confined in part. */
noreturn void initscript_end_half_confined(void);

#endif
