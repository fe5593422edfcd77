/*
 * The way back of a child's memory. The server notes it (initscript_image_save()), and a child that
 * lives on after its script, as PID 1 or as an actor, goes back (initscript_image_restore()): then
 * nothing of the script is in its memory, but on the stack, or the caller is told so.
 */
#include "sys_image.h"

#include "sys_image_linux.h"
#include "util_failure.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>

/* Set after it was made, so that the way back makes it NULL. */
static const struct initscript_image *image;

bool initscript_image_save(void)
{
#ifdef __SANITIZE_ADDRESS__
	return true; /* it has notes of its own about all memory, in terabytes */
#endif
	INITSCRIPT_AUTO_CLOSE int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	INITSCRIPT_AUTO_CLOSE int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	image = initscript_make_image(maps, pagemap);
#ifdef M_MMAP_MAX
	if (maps < 0) /* then all memory that libc hands out has to be in the heap */
		mallopt(M_MMAP_MAX, 0);
#endif
	return image;
}

/* Linux 5.18. Without it what the script has locked (mlock(2)) cannot be dropped. */
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

static bool drop(uintptr_t start, uintptr_t end)
{
	return madvise((void *)start, end - start, MADV_DONTNEED) == 0 ||
	       madvise((void *)start, end - start, MADV_DONTNEED_LOCKED) == 0;
}

/* The kernel refuses all of what extends beyond the memory of a process, so what is left of it is
 * unmapped in halves. */
static bool unmap(uintptr_t start, uintptr_t end)
{
	if (start >= end || munmap((void *)start, end - start) == 0)
		return true;
	const uintptr_t page = sysconf(_SC_PAGESIZE);
	for (uintptr_t size = UINTPTR_MAX / 2 + 1; size >= page && errno == EINVAL; size /= 2)
		if (size <= end - start && munmap((void *)start, size) == 0)
			start += size;
	return errno == EINVAL;
}

/* Unmaps all but what is in two places. */
static bool unmap_around(uintptr_t start, uintptr_t end, const struct initscript_kept kept[2])
{
	const struct initscript_kept *low = kept, *high = kept + 1;
	if (low->start > high->start)
		low = kept + 1, high = kept;
	for (; low; low = low == high ? NULL : high) {
		if (low->start >= end || low->end <= start)
			continue;
		if (!unmap(start, low->start))
			return false;
		start = low->end;
	}
	return unmap(start, end);
}

/* A page that is as it was is not written to: it would become a copy. */
static void put_back(uintptr_t start, uintptr_t end, uintptr_t copy)
{
	const size_t at_once = 4096;
	for (size_t n; start < end; start += n, copy += n) {
		n = end - start < at_once ? end - start : at_once;
		if (memcmp((void *)start, (void *)copy, n) != 0)
			memcpy((void *)start, (void *)copy, n);
	}
}

static void put_back_run(const struct initscript_image *old, const struct initscript_run *run)
{
	const uintptr_t copy = (uintptr_t)old + run->copy - run->start; /* plus an address */
	uintptr_t start = run->start;
	for (const struct initscript_kept *kept = old->kept; kept < old->kept + old->kept_count;
	     kept++) {
		if (kept->start < start || kept->end > run->end)
			continue;
		put_back(start, kept->start, copy + start);
		start = kept->end;
	}
	put_back(start, run->end, copy + start);
}

/* What was mapped since, below the stack, which may have grown. Above it is only what the kernel
 * puts there, and what NATIVES may have put there on purpose. */
static bool unmap_new(const struct initscript_image *old, const struct initscript_kept kept[2],
                      bool natives)
{
	const uintptr_t page = sysconf(_SC_PAGESIZE);
	const uintptr_t here = (uintptr_t)__builtin_frame_address(0) / page * page;
	uintptr_t end = 0;
	for (const struct initscript_run *run = old->runs; run < old->runs + old->run_count;
	     run++) {
		bool is_stack = end <= here && here < run->end;
		uintptr_t new_end = is_stack && here - page < run->start ? here - page : run->start;
		if (!unmap_around(end, new_end, kept))
			return false;
		if (is_stack && !natives)
			return true;
		end = run->end;
	}
	return unmap_around(end, -page, kept);
}

/* Back to what the image has of one run. */
static bool restore_run(const struct initscript_image *old, const struct initscript_run *run,
                        bool natives)
{
	bool read_only = run->content == INITSCRIPT_READ_ONLY_DROPPED ||
	                 run->content == INITSCRIPT_READ_ONLY_COPIED;
	if (run->content == INITSCRIPT_LEFT || (read_only && !natives))
		return true;
	if (!initscript_is_copied(run))
		return drop(run->start, run->end);
	put_back_run(old, run);
	return true;
}

bool initscript_image_restore(const void *kept, size_t size, bool natives)
{
	const struct initscript_image *old = image;
	if (!old)
		return true;
	const size_t image_size = old->size;
	const struct initscript_kept mappings[2] = {
	        {(uintptr_t)old, (uintptr_t)old + image_size},
	        {(uintptr_t)kept, (uintptr_t)kept + initscript_whole_pages(size)},
	};
	/* First, as the heap may have become shorter. */
	if ((uintptr_t)sbrk(0) != old->program_break && brk((void *)old->program_break) != 0)
		return false;
	if (old->complete && !unmap_new(old, mappings, natives))
		return false;
	for (const struct initscript_run *run = old->runs; run < old->runs + old->run_count; run++)
		if (!restore_run(old, run, natives))
			return false;
	return munmap((void *)old, image_size) == 0;
}
