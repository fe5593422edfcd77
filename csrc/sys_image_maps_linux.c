/*
 * The image of a fork server's memory: what it has mapped, and the content of what it has written
 * there. Called once, by sys_image_linux.c, before there is a Lua state. What is found does not
 * change any more: it is in pages that can only be read.
 */
#include "sys_image_linux.h"

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* An image that is being made. */
struct maker {
	int maps, pagemap; /* of /proc/self; -1 if it cannot be read */
	uintptr_t page_size;
	struct initscript_image
	        *image; /* NULL while only its size is found out; it leaves itself out */
	size_t run_count, runs_room;
	size_t copied, copies, end; /* copies begin at the second and have room up to the third */
	struct initscript_run last; /* not yet in the image */
};

static bool finish_run(struct maker *maker)
{
	struct initscript_run *run = &maker->last;
	size_t size = initscript_is_copied(run) ? run->end - run->start : 0;
	if (run->start == run->end)
		return true;
	run->copy = maker->copies + maker->copied;
	if (maker->image) {
		if (maker->run_count == maker->runs_room || size > maker->end - run->copy) {
			errno = E2BIG;
			return false;
		}
		maker->image->runs[maker->run_count] = *run;
		memcpy((char *)maker->image + run->copy, (const void *)run->start, size);
	}
	maker->run_count++;
	maker->copied += size;
	return true;
}

static bool add_pages(struct maker *maker, uintptr_t start, uintptr_t end,
                      enum initscript_content content)
{
	struct initscript_run *last = &maker->last;
	if (last->end == start && last->content == content) {
		last->end = end;
		return true;
	}
	if (!finish_run(maker))
		return false;
	*last = (struct initscript_run){.start = start, .end = end, .content = content};
	return true;
}

/* Bits of /proc/PID/pagemap. A page that is neither was never written to by this process. */
static bool is_own_copy(uint64_t entry)
{
	const uint64_t present = UINT64_C(1) << 63, swapped = UINT64_C(1) << 62,
	               of_file = UINT64_C(1) << 61;
	return (entry & (present | swapped)) && !(entry & of_file);
}

static bool is_zero(const struct maker *maker, uintptr_t page)
{
	const uint64_t *words = (const uint64_t *)page;
	for (size_t i = 0; i < maker->page_size / sizeof *words; i++)
		if (words[i])
			return false;
	return true;
}

/* Without pagemap, by the content: reading costs a page fault each, and what a file began with is
 * not known. */
static bool add_by_content(struct maker *maker, uintptr_t start, uintptr_t end, bool anonymous)
{
	for (uintptr_t page = start; page < end; page += maker->page_size)
		if (!add_pages(maker, page, page + maker->page_size,
		               anonymous && is_zero(maker, page) ? INITSCRIPT_DROPPED
		                                                 : INITSCRIPT_COPIED))
			return false;
	return true;
}

static bool add_by_pagemap(struct maker *maker, uintptr_t start, uintptr_t end,
                           enum initscript_content written, enum initscript_content unwritten)
{
	uint64_t entries[512];
	while (start < end) {
		size_t count = (end - start) / maker->page_size;
		if (count > sizeof entries / sizeof *entries)
			count = sizeof entries / sizeof *entries;
		ssize_t n = pread(maker->pagemap, entries, count * sizeof *entries,
		                  start / maker->page_size * sizeof *entries);
		if (n != (ssize_t)(count * sizeof *entries))
			return false;
		for (size_t i = 0; i < count; i++, start += maker->page_size)
			if (!add_pages(maker, start, start + maker->page_size,
			               is_own_copy(entries[i]) ? written : unwritten))
				return false;
	}
	return true;
}

static bool add_private(struct maker *maker, uintptr_t start, uintptr_t end, bool anonymous)
{
	if (start >= end)
		return true;
	return maker->pagemap < 0
	               ? add_by_content(maker, start, end, anonymous)
	               : add_by_pagemap(maker, start, end, INITSCRIPT_COPIED, INITSCRIPT_DROPPED);
}

/* The kernel may show the image as one with what is beside it. */
static bool add_writable(struct maker *maker, uintptr_t start, uintptr_t end, bool anonymous)
{
	const uintptr_t own = (uintptr_t)maker->image, own_end = own + maker->end;
	if (!own || own >= end || own_end <= start)
		return add_private(maker, start, end, anonymous);
	return add_private(maker, start, own, anonymous) &&
	       add_private(maker, own_end, end, anonymous);
}

/* Linux 5.4. Before, no code of the kernel's is dropped. */
#ifndef MADV_COLD
#define MADV_COLD 20
#endif

/* Some of what is of no file is the kernel's (vvar, vsyscall), which it does not drop. */
static bool add_read_only(struct maker *maker, uintptr_t start, uintptr_t end, bool readable,
                          bool of_file)
{
	if (maker->pagemap < 0 || (!of_file && madvise((void *)start, end - start, MADV_COLD) != 0))
		return add_pages(maker, start, end, INITSCRIPT_LEFT);
	return add_by_pagemap(maker, start, end,
	                      readable ? INITSCRIPT_READ_ONLY_COPIED : INITSCRIPT_LEFT,
	                      INITSCRIPT_READ_ONLY_DROPPED);
}

/* A text that is read in pieces; a line may be longer than a buffer. */
struct reader {
	int fd;
	char buffer[4096];
	ssize_t length, next;
};

/* The next character, or -1 at the end and on errors. */
static int get(struct reader *reader)
{
	if (reader->next == reader->length) {
		reader->next = 0;
		reader->length = read(reader->fd, reader->buffer, sizeof reader->buffer);
		if (reader->length <= 0) {
			reader->length = 0;
			return -1;
		}
	}
	return (unsigned char)reader->buffer[reader->next++];
}

/* Reads a number and the character after it; that is -1 at the end of the text. */
static int get_hex(struct reader *reader, uintptr_t *number)
{
	int c;
	for (*number = 0;; *number = *number * 16 + (c <= '9' ? c - '0' : c - 'a' + 10)) {
		c = get(reader);
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return c;
	}
}

/* One line of /proc/PID/maps: "START-END rwxp OFFSET MAJOR:MINOR INODE  NAME". */
static bool add_line(struct maker *maker, struct reader *maps, uintptr_t start)
{
	uintptr_t end, offset, major, minor, inode;
	get_hex(maps, &end);
	bool readable = get(maps) == 'r', writable = get(maps) == 'w';
	get(maps);
	bool private = get(maps) == 'p';
	get(maps);
	get_hex(maps, &offset);
	get_hex(maps, &major);
	get_hex(maps, &minor);
	for (int c = get_hex(maps, &inode); c != '\n' && c >= 0;)
		c = get(maps);
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	bool of_file = inode || major || minor;
	if (!private || (writable && !readable) || (start <= here && here < end))
		return add_pages(maker, start, end, INITSCRIPT_LEFT);
	return writable ? add_writable(maker, start, end, !of_file)
	                : add_read_only(maker, start, end, readable, of_file);
}

static bool add_all(struct maker *maker)
{
	struct reader maps = {.fd = maker->maps};
	uintptr_t start;
	if (lseek(maker->maps, 0, SEEK_SET) != 0)
		return false;
	while (get_hex(&maps, &start) == '-')
		if (!add_line(maker, &maps, start))
			return false;
	return true;
}

static uintptr_t page_of(const struct maker *maker, uintptr_t address)
{
	return address & ~(maker->page_size - 1);
}

static uintptr_t page_after(const struct maker *maker, uintptr_t address)
{
	return page_of(maker, address + maker->page_size - 1);
}

/* A callback of dl_iterate_phdr(3): what can be written to of one program or library. */
static int add_object(struct dl_phdr_info *object, size_t size, void *user_data)
{
	struct maker *maker = user_data;
	(void)size;
	uintptr_t read_only = 0; /* up to here, since the dynamic loader was done */
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		if (segment->p_type == PT_GNU_RELRO)
			read_only = page_of(maker, object->dlpi_addr + segment->p_vaddr +
			                                   segment->p_memsz);
	}
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_W))
			continue;
		uintptr_t start = object->dlpi_addr + segment->p_vaddr;
		uintptr_t end_of_file = page_after(maker, start + segment->p_filesz);
		uintptr_t end = page_after(maker, start + segment->p_memsz);
		start = page_of(maker, start);
		if (start < read_only && read_only <= end)
			start = read_only;
		if (end_of_file < start)
			end_of_file = start;
		if (!add_writable(maker, start, end_of_file, false) ||
		    !add_writable(maker, end_of_file, end, true))
			return -1;
	}
	return 0;
}

/* The kernel reads the set before it finds out that it is asked for nothing (EINVAL). */
static bool is_readable(uintptr_t address)
{
	return syscall(SYS_rt_sigprocmask, -1, address, NULL, sizeof(uint64_t)) != 0 &&
	       errno != EFAULT;
}

extern char end[]; /* of the program, made by the linker; the heap is somewhere after it */

static bool add_heap(struct maker *maker)
{
	const uintptr_t after = page_after(maker, (uintptr_t)sbrk(0));
	uintptr_t start = after;
	while (start - maker->page_size >= (uintptr_t)end && is_readable(start - maker->page_size))
		start -= maker->page_size;
	return add_writable(maker, start, after, true);
}

/* What the dynamic loader has allocated, where it allocated the thread's memory, and around it.
 * What cannot be written to there will not differ. */
static bool add_thread(struct maker *maker)
{
	const uintptr_t thread = page_of(maker, (uintptr_t)pthread_self());
	const uintptr_t around = 8 * maker->page_size;
	uintptr_t start = thread, end = thread + maker->page_size;
	while (start > thread - around && is_readable(start - maker->page_size))
		start -= maker->page_size;
	while (end < thread + around && is_readable(end))
		end += maker->page_size;
	return add_writable(maker, start, end, false);
}

static bool add_mappings(struct maker *maker)
{
	if (maker->maps >= 0)
		return add_all(maker) && finish_run(maker);
	return dl_iterate_phdr(add_object, maker) == 0 && add_heap(maker) && add_thread(maker) &&
	       finish_run(maker);
}

/* The memory of libc for the thread, which the thread pointer leads to. */
static uintptr_t thread_pointer(void)
{
#ifdef __x86_64__
	return pthread_self();
#else
	return (uintptr_t)__builtin_thread_pointer();
#endif
}

/* In the order of addresses. */
static void keep(struct initscript_image *made, uintptr_t start, size_t size)
{
	if (made->kept_count == INITSCRIPT_MAX_KEPT)
		return;
	struct initscript_kept *at = made->kept + made->kept_count++;
	for (; at > made->kept && at[-1].start > start; at--)
		*at = at[-1];
	*at = (struct initscript_kept){start, start + size};
}

/* Of glibc 2.35 and later: where the kernel notes the CPU that the thread is on, from the thread
 * pointer. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));

enum { RSEQ_SIZE = 32, THREAD_SEARCHED = 1024 };

/* The kernel writes a new process's id into libc's description of its thread, where libc looks for
 * it. Nothing tells where that is but that the server's is in the same place. */
static void find_what_to_keep(struct initscript_image *made)
{
	const pid_t self = syscall(SYS_gettid);
	const pid_t *thread = (const pid_t *)pthread_self();
	for (size_t i = 0; i < THREAD_SEARCHED / sizeof *thread; i++)
		if (thread[i] == self)
			keep(made, (uintptr_t)&thread[i], sizeof self);
	if (&__rseq_offset)
		keep(made, thread_pointer() + __rseq_offset, RSEQ_SIZE);
}

/* Finds out how large the image is; making it may write to some more pages. */
static bool map_image(struct maker *maker)
{
	const size_t more = 64;
	struct maker counting = *maker;
	if (!add_mappings(&counting))
		return false;
	maker->runs_room = counting.run_count + more;
	maker->copies = initscript_whole_pages(sizeof(struct initscript_image) +
	                                       maker->runs_room * sizeof(struct initscript_run));
	maker->end = maker->copies + counting.copied + more * maker->page_size;
	void *mapped =
	        mmap(NULL, maker->end, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mapped == MAP_FAILED)
		return false;
	maker->image = mapped;
	return true;
}

const struct initscript_image *initscript_make_image(int maps, int pagemap)
{
	struct maker maker = {.maps = maps, .pagemap = pagemap, .page_size = sysconf(_SC_PAGESIZE)};
	if (!map_image(&maker))
		return NULL;
	struct initscript_image *made = maker.image;
	made->size = maker.end;
	made->complete = maps >= 0;
	made->program_break = (uintptr_t)sbrk(0);
	find_what_to_keep(made);
	if (!add_mappings(&maker))
		return NULL;
	made->run_count = maker.run_count;
	return mprotect(made, made->size, PROT_READ) == 0 ? made : NULL;
}
