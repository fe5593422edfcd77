/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_PTHREAD_H
#define FREEBSDTEST_PTHREAD_H

#include <signal.h>
#include <sys/types.h>
#include <time.h>

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                   void *(*start)(void *), void *restrict argument);
int pthread_detach(pthread_t thread);
int pthread_join(pthread_t thread, void **value);
pthread_t pthread_self(void);
int pthread_attr_init(pthread_attr_t *attributes);
int pthread_attr_destroy(pthread_attr_t *attributes);
int pthread_attr_getstack(const pthread_attr_t *restrict attributes, void **restrict stack,
                          size_t *restrict size);
int pthread_attr_getstacksize(const pthread_attr_t *restrict attributes, size_t *restrict size);
int pthread_attr_setdetachstate(pthread_attr_t *attributes, int state);
int pthread_attr_get_np(pthread_t thread, pthread_attr_t *attributes);
int pthread_mutex_lock(pthread_mutex_t *mutex);
int pthread_mutex_unlock(pthread_mutex_t *mutex);
int pthread_cond_wait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex);
int pthread_cond_broadcast(pthread_cond_t *condition);
int pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int pthread_setspecific(pthread_key_t key, const void *value);
void *pthread_getspecific(pthread_key_t key);
#define PTHREAD_MUTEX_INITIALIZER NULL
#define PTHREAD_COND_INITIALIZER NULL
#define PTHREAD_CREATE_DETACHED 1

#endif
