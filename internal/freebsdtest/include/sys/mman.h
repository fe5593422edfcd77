/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_MMAN_H
#define FREEBSDTEST_SYS_MMAN_H

#include <sys/types.h>

#define PROT_NONE 0x0
#define PROT_READ 0x1
#define PROT_WRITE 0x2
#define PROT_EXEC 0x4
#define MAP_SHARED 0x1
#define MAP_PRIVATE 0x2
#define MAP_FIXED 0x10
#define MAP_STACK 0x400
#define MADV_DONTNEED 0x4
#define MAP_ANON 0x1000
#define MAP_ANONYMOUS MAP_ANON
#define MAP_FAILED ((void *)-1)
#define MFD_CLOEXEC 0x1
#define MFD_ALLOW_SEALING 0x2

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int munmap(void *address, size_t size);
int mprotect(void *address, size_t size, int protection);
int madvise(void *address, size_t size, int advice);
int memfd_create(const char *name, unsigned flags);

#endif
