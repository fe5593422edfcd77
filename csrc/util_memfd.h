/*
 * Files in memory that nobody can change any more: memfd_create(2), F_ADD_SEALS in fcntl(2).
 */
#ifndef INITSCRIPT_UTIL_MEMFD_H
#define INITSCRIPT_UTIL_MEMFD_H

#include <stddef.h>

/* Of Linux 6.3; left out for kernels that do not know them. */
enum {
	INITSCRIPT_MFD_NOEXEC_SEAL = 0x08,
	INITSCRIPT_MFD_EXEC = 0x10,
};

/* Returns a new memfd, close-on-exec, that can be sealed. MODERN is 0 or one of the flags above. -1
 * with errno set when that failed. */
int initscript_memfd(const char *name, unsigned modern);

/* Seals MEMFD: neither its size nor its content can change from now on. 0, or -1 with errno set:
 * EBUSY when somebody still has it mapped for writing. */
int initscript_seal(int memfd);

/* Returns a sealed memfd with SIZE bytes at CONTENT, which is not executable on kernels that can
 * tell. -1 with errno set when that failed. */
int initscript_sealed_memfd(const char *name, const void *content, size_t size);

#endif
