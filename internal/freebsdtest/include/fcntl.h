/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_FCNTL_H
#define FREEBSDTEST_FCNTL_H

#include <sys/types.h>

#define O_RDONLY 0x0
#define O_WRONLY 0x1
#define O_RDWR 0x2
#define O_ACCMODE 0x3
#define O_NONBLOCK 0x4
#define O_APPEND 0x8
#define O_ASYNC 0x40
#define O_SYNC 0x80
#define O_NOFOLLOW 0x100
#define O_CREAT 0x200
#define O_TRUNC 0x400
#define O_EXCL 0x800
#define O_NOCTTY 0x8000
#define O_DIRECT 0x10000
#define O_DIRECTORY 0x20000
#define O_EXEC 0x40000
#define O_CLOEXEC 0x100000
#define O_SEARCH 0x40000
#define O_RESOLVE_BENEATH 0x800000
#define O_PATH 0x400000
#define O_EMPTY_PATH 0x2000000
#define O_DSYNC 0x1000000
#define F_DUPFD 0x0
#define F_DUPFD_CLOEXEC 0x11
#define F_GETFD 0x1
#define F_SETFD 0x2
#define F_GETFL 0x3
#define F_SETFL 0x4
#define FD_CLOEXEC 0x1
#define AT_FDCWD -100
#define AT_EACCESS 0x100
#define AT_SYMLINK_NOFOLLOW 0x200
#define AT_SYMLINK_FOLLOW 0x400
#define AT_REMOVEDIR 0x800
#define AT_EMPTY_PATH 0x4000
#define F_ADD_SEALS 19
#define F_GET_SEALS 20
#define F_SEAL_SEAL 0x1
#define F_SEAL_SHRINK 0x2
#define F_SEAL_GROW 0x4
#define F_SEAL_WRITE 0x8

int open(const char *path, int flags, ...);
int openat(int fd, const char *path, int flags, ...);
int fcntl(int fd, int command, ...);

#endif
