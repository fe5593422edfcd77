/*
 * How the functions of csrc say that they have failed, and leave nothing open then.
 *
 * What fails returns false, -1 or NULL, with errno set, and does nothing else: the caller knows
 * whether to report, to print, or to go on. The host is told which system call it was, so what
 * makes several says that, too. If success is all that it could return it returns the name of the
 * call that has failed, or NULL; else it stores the name in *FAILED, its last parameter, which
 * means nothing after a success. Where a filter of the script may only pretend that a call was
 * made, and it was not, errno is EPERM.
 *
 * Functions that are noreturn, or say so at their declaration, have told the host, and end the
 * process: initscript_fail_setup(), initscript_errexit() and its relatives. Those with a lua_State
 * may raise a Lua error for wrong arguments; none does so while it owns what Lua would not free.
 */
#ifndef INITSCRIPT_UTIL_FAILURE_H
#define INITSCRIPT_UTIL_FAILURE_H

#include <errno.h>
#include <unistd.h>

/* Closes what an INITSCRIPT_AUTO_CLOSE variable still has when it goes out of scope. Keeps errno.
 */
static inline void initscript_close_at_end(const int *fd)
{
	int error = errno;
	if (*fd >= 0)
		close(*fd);
	errno = error;
}

/* Begins the declaration of a descriptor, -1 for none, that is closed on every way out of its
 * block. Not for functions that Lua errors or longjmp(3) may leave. */
#define INITSCRIPT_AUTO_CLOSE __attribute__((cleanup(initscript_close_at_end)))

/* Hands the descriptor in *FD over: it is not closed any more. */
static inline int initscript_hand_over(int *fd)
{
	int handed = *fd;
	*fd = -1;
	return handed;
}

#endif
