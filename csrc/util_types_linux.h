/*
 * Types and values of Linux, for util_types.h.
 */
#ifndef INITSCRIPT_UTIL_TYPES_LINUX_H
#define INITSCRIPT_UTIL_TYPES_LINUX_H

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Flags of every message on a SEQPACKET socket. */
enum { INITSCRIPT_SEND_FLAGS = MSG_NOSIGNAL };

/* What the sender of a message tells of itself, if it is asked: SCM_CREDENTIALS. */
typedef struct ucred initscript_credentials;

/* The kernel sends a pidfd of the sender, if it is asked: SCM_PIDFD of Linux 6.5. */
enum { INITSCRIPT_SCM_PIDFD = 4 };

#define INITSCRIPT_ELF(type) ElfW(type)
typedef ElfW(auxv_t) initscript_auxv;

/* Whether the entry points at random bytes that every process must have of its own. */
static inline bool initscript_is_random(const initscript_auxv *entry)
{
	return entry->a_type == AT_RANDOM;
}

#endif
