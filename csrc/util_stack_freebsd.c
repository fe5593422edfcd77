/*
 * Overwrites dead frames of the stack. The child, PID 1 and actors call it after the script.
 */
#include "util_stack.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The frames of those who wipe lie in the gap. */
enum { GAP = 16 * 1024, DEEPEST = 2 * 1024 * 1024 };

__attribute__((noinline)) void initscript_call_below_gap(void (*function)(const void *),
                                                         const void *argument)
{
	char gap[GAP];
	__asm__ volatile("" : : "r"(gap) : "memory");
	function(argument);
	__asm__ volatile("" : : "r"(gap) : "memory");
}

/* No advice of madvise(2) makes pages of a stack empty at once, so they are overwritten, as far as
 * Lua's limit of nested calls of C lets a script reach. */
static __attribute__((noinline)) void overwrite(size_t size)
{
	char frames[size];
	explicit_bzero(frames, size);
	__asm__ volatile("" : : "r"(frames) : "memory");
}

__attribute__((noinline)) void initscript_wipe_below_gap(void)
{
	struct rlimit stack;
	size_t size = DEEPEST;
	if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur / 2 < DEEPEST)
		size = stack.rlim_cur / 2;
	overwrite(size);
}
