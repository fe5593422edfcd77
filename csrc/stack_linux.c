#include "stack.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Pages that are never touched, so they cost nothing. Two are for the frames of those who wipe,
 * and one is lost to rounding. */
enum { GAP_PAGES = 4 };

__attribute__((noinline)) void initscript_call_below_gap(void (*function)(const void *),
                                                         const void *argument)
{
	char gap[GAP_PAGES * sysconf(_SC_PAGESIZE)];
	__asm__ volatile("" : : "r"(gap) : "memory");
	function(argument);
	__asm__ volatile("" : : "r"(gap) : "memory");
}

__attribute__((noinline)) void initscript_wipe_below_gap(void)
{
	const size_t page = sysconf(_SC_PAGESIZE), deepest = 8 * 1024 * 1024;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) / page * page;
	madvise((void *)(here - page - deepest), deepest, MADV_DONTNEED); /* ENOMEM: gaps */
}
