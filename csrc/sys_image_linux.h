/*
 * What sys_image_maps_linux.c finds out of the memory of this process, and sys_image_linux.c goes
 * back to.
 */
#ifndef INITSCRIPT_SYS_IMAGE_LINUX_H
#define INITSCRIPT_SYS_IMAGE_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

enum initscript_content {
	INITSCRIPT_LEFT,    /* it is shared, or the stack, or the kernel's: stays as it is */
	INITSCRIPT_DROPPED, /* never written to: the kernel gives it its first content again */
	INITSCRIPT_COPIED,
	/* The same of what cannot be written to, unless by code that first changes that. */
	INITSCRIPT_READ_ONLY_DROPPED,
	INITSCRIPT_READ_ONLY_COPIED,
};

/* Pages that are treated alike. */
struct initscript_run {
	uintptr_t start, end;
	enum initscript_content content;
	size_t copy; /* where the image has it */
};

enum { INITSCRIPT_MAX_KEPT = 8 };

/* The kernel has written there: it must not be put back. */
struct initscript_kept {
	uintptr_t start, end;
};

struct initscript_image {
	size_t size;
	uintptr_t program_break;
	bool complete; /* it has all mappings, so what is elsewhere is new */
	size_t run_count, kept_count;
	struct initscript_kept kept[INITSCRIPT_MAX_KEPT];
	struct initscript_run runs[]; /* by address; what is between them was not mapped */
};

static inline bool initscript_is_copied(const struct initscript_run *run)
{
	return run->content == INITSCRIPT_COPIED || run->content == INITSCRIPT_READ_ONLY_COPIED;
}

/* The number of bytes in whole pages. */
static inline size_t initscript_whole_pages(size_t size)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	return (size + page - 1) / page * page;
}

/* Returns an image of all mappings of this process but of itself, which nobody can write to, or
 * NULL with errno set. MAPS and PAGEMAP are those files of /proc/self, or -1 where they cannot be
 * read. */
const struct initscript_image *initscript_make_image(int maps, int pagemap);

#endif
