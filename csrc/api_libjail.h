/*
 * The functions of jail(3) that the calls of scripts use, so that a test can put others in their
 * place.
 */
#ifndef INITSCRIPT_API_LIBJAIL_H
#define INITSCRIPT_API_LIBJAIL_H

#include <sys/param.h>

#include <jail.h>
#include <sys/jail.h>

struct initscript_libjail {
	/* Each returns -1 with errno set on failure; set and attach else a jail's id, or 0. */
	int (*init)(struct jailparam *param, const char *name);
	int (*import)(struct jailparam *param, const char *value);
	int (*set)(struct jailparam *params, unsigned count, int flags);
	void (*free)(struct jailparam *params, unsigned count);
	int (*attach)(int jid);
};

/* The library; api_libjail_freebsd.c. */
extern const struct initscript_libjail initscript_libjail;

#endif
