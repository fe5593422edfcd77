/*
 * Threads that C code made, and that make system calls on demand.
 */
#ifndef INITSCRIPT_THREADTEST_H
#define INITSCRIPT_THREADTEST_H

struct c_thread;

/* A new thread that waits for calls; NULL with errno set on failure. */
struct c_thread *c_thread_start(void);

/* Its thread id. */
int c_thread_id(struct c_thread *thread);

/* Has the thread make a system call, and returns what it returned; *ERROR is errno, or 0. */
long c_thread_call(struct c_thread *thread, long number, const long arguments[6], int *error);

/* Ends the thread. */
void c_thread_stop(struct c_thread *thread);

#endif
