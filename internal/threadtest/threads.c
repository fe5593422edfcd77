#include "threads.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct c_thread {
	pthread_t handle;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	enum { IDLE, CALLED, DONE, ENDING } state;
	int id;
	long number, arguments[6], result;
	int error;
};

static void wait_while(struct c_thread *thread, int state)
{
	while ((int)thread->state == state)
		pthread_cond_wait(&thread->changed, &thread->mutex);
}

static void become(struct c_thread *thread, int state)
{
	thread->state = state;
	pthread_cond_broadcast(&thread->changed);
}

static void *work(void *argument)
{
	struct c_thread *thread = argument;
	pthread_mutex_lock(&thread->mutex);
	thread->id = syscall(SYS_gettid);
	become(thread, DONE);
	for (;;) {
		while (thread->state == IDLE || thread->state == DONE)
			pthread_cond_wait(&thread->changed, &thread->mutex);
		if (thread->state == ENDING)
			break;
		const long *a = thread->arguments;
		thread->result = syscall(thread->number, a[0], a[1], a[2], a[3], a[4], a[5]);
		thread->error = thread->result == -1 ? errno : 0;
		become(thread, DONE);
	}
	pthread_mutex_unlock(&thread->mutex);
	return NULL;
}

struct c_thread *c_thread_start(void)
{
	struct c_thread *thread = calloc(1, sizeof *thread);
	if (!thread)
		return NULL;
	pthread_mutex_init(&thread->mutex, NULL);
	pthread_cond_init(&thread->changed, NULL);
	errno = pthread_create(&thread->handle, NULL, work, thread);
	if (errno != 0) {
		free(thread);
		return NULL;
	}
	pthread_mutex_lock(&thread->mutex);
	wait_while(thread, IDLE);
	pthread_mutex_unlock(&thread->mutex);
	return thread;
}

int c_thread_id(struct c_thread *thread)
{
	return thread->id;
}

long c_thread_call(struct c_thread *thread, long number, const long arguments[6], int *error)
{
	pthread_mutex_lock(&thread->mutex);
	thread->number = number;
	memcpy(thread->arguments, arguments, sizeof thread->arguments);
	become(thread, CALLED);
	wait_while(thread, CALLED);
	*error = thread->error;
	long result = thread->result;
	pthread_mutex_unlock(&thread->mutex);
	return result;
}

void c_thread_stop(struct c_thread *thread)
{
	pthread_mutex_lock(&thread->mutex);
	become(thread, ENDING);
	pthread_mutex_unlock(&thread->mutex);
	pthread_join(thread->handle, NULL);
	pthread_cond_destroy(&thread->changed);
	pthread_mutex_destroy(&thread->mutex);
	free(thread);
}
