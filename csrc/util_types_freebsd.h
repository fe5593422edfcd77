/*
 * Types and values of FreeBSD, for util_types.h.
 */
#ifndef INITSCRIPT_UTIL_TYPES_FREEBSD_H
#define INITSCRIPT_UTIL_TYPES_FREEBSD_H

#include <elf.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Flags of every message on a SEQPACKET socket. MSG_EOR ends a record wherever the kernel does not
 * make one of each call. */
enum { INITSCRIPT_SEND_FLAGS = MSG_NOSIGNAL | MSG_EOR };

/* What the sender of a message tells of itself: SCM_CREDS. */
typedef struct cmsgcred initscript_credentials;

/* No message carries a process descriptor that was not sent. */
enum { INITSCRIPT_SCM_PIDFD = -1 };

#define INITSCRIPT_ELF(type) Elf_##type
typedef Elf_Auxinfo initscript_auxv;

/* Nothing reads the random bytes of the auxiliary vector after the C library has started. */
static inline bool initscript_is_random(const initscript_auxv *entry)
{
	(void)entry;
	return false;
}

/* No header declares it. */
extern char **environ;

#endif
