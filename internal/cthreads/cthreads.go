// Package cthreads gives tests threads that the Go runtime does not know.
package cthreads

/*
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct threads {
	atomic_bool stop;
	int count;
	pthread_t ids[];
};

static void *work(void *argument)
{
	struct threads *threads = argument;
	while (!atomic_load(&threads->stop))
		free(malloc(100));
	return NULL;
}

static struct threads *start(int count)
{
	struct threads *threads = calloc(1, sizeof *threads + count * sizeof *threads->ids);
	if (!threads)
		abort();
	for (; threads->count < count; threads->count++)
		if (pthread_create(&threads->ids[threads->count], NULL, work, threads) != 0)
			abort();
	return threads;
}

static void end(struct threads *threads)
{
	atomic_store(&threads->stop, 1);
	for (int i = 0; i < threads->count; i++)
		pthread_join(threads->ids[i], NULL);
	free(threads);
}
*/
import "C"

// Start starts threads that are busy in the C library until the returned function is called.
func Start(count int) (stop func()) {
	threads := C.start(C.int(count))
	return func() { C.end(threads) }
}
