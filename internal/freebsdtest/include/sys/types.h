/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_TYPES_H
#define FREEBSDTEST_SYS_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef long ssize_t;
typedef long off_t;
typedef int pid_t;
typedef unsigned uid_t, gid_t, useconds_t;
typedef unsigned short mode_t;
typedef unsigned long dev_t, ino_t, nlink_t;
typedef int blksize_t, clockid_t, lwpid_t;
typedef long blkcnt_t, time_t, suseconds_t, id_t;
typedef unsigned socklen_t;
typedef long rlim_t;
typedef unsigned char u_char;
typedef unsigned short u_short;
typedef unsigned u_int;
typedef unsigned long u_long;
typedef struct pthread *pthread_t;
typedef struct pthread_attr *pthread_attr_t;
typedef struct pthread_mutex *pthread_mutex_t;
typedef struct pthread_cond *pthread_cond_t;
typedef int pthread_key_t;

int major(dev_t device);
int minor(dev_t device);
dev_t makedev(int major, int minor);

#endif
