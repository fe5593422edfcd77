#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum content {
	LEFT,    /* it is shared, or the stack, or the kernel's: stays as it is */
	DROPPED, /* never written to: the kernel gives it its first content again */
	COPIED,
	/* The same of what cannot be written to, unless by code that first changes that. */
	READ_ONLY_DROPPED,
	READ_ONLY_COPIED,
};

/* Pages that are treated alike. */
struct run {
	uintptr_t start, end;
	enum content content;
	size_t copy; /* where the image has it */
};

enum { MAX_KEPT = 8 };

/* The kernel has written there: it must not be put back. */
struct kept {
	uintptr_t start, end;
};

struct image {
	size_t size;
	uintptr_t program_break;
	bool complete; /* it has all mappings, so what is elsewhere is new */
	size_t run_count, kept_count;
	struct kept kept[MAX_KEPT];
	struct run runs[]; /* by address; what is between them was not mapped */
};

static const struct image *image; /* set after it was made, so that the way back makes it NULL */

/* An image that is being made. */
struct maker {
	int maps, pagemap; /* of /proc/self; -1 if it cannot be read */
	uintptr_t page_size;
	struct image *image; /* NULL while only its size is found out; it leaves itself out */
	size_t run_count, runs_room;
	size_t copied, copies, end; /* copies begin at the second and have room up to the third */
	struct run last;            /* not yet in the image */
};

static bool is_copied(const struct run *run)
{
	return run->content == COPIED || run->content == READ_ONLY_COPIED;
}

static bool finish_run(struct maker *maker)
{
	struct run *run = &maker->last;
	size_t size = is_copied(run) ? run->end - run->start : 0;
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

static bool add_pages(struct maker *maker, uintptr_t start, uintptr_t end, enum content content)
{
	struct run *last = &maker->last;
	if (last->end == start && last->content == content) {
		last->end = end;
		return true;
	}
	if (!finish_run(maker))
		return false;
	*last = (struct run){.start = start, .end = end, .content = content};
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
		               anonymous && is_zero(maker, page) ? DROPPED : COPIED))
			return false;
	return true;
}

static bool add_by_pagemap(struct maker *maker, uintptr_t start, uintptr_t end,
                           enum content written, enum content unwritten)
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
	return maker->pagemap < 0 ? add_by_content(maker, start, end, anonymous)
	                          : add_by_pagemap(maker, start, end, COPIED, DROPPED);
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

/* Linux 5.18. Without it what the script has locked (mlock(2)) cannot be dropped. */
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* Linux 5.4. Before, no code of the kernel's is dropped. */
#ifndef MADV_COLD
#define MADV_COLD 20
#endif

static bool drop(uintptr_t start, uintptr_t end)
{
	return madvise((void *)start, end - start, MADV_DONTNEED) == 0 ||
	       madvise((void *)start, end - start, MADV_DONTNEED_LOCKED) == 0;
}

/* Some of what is of no file is the kernel's (vvar, vsyscall), which it does not drop. */
static bool add_read_only(struct maker *maker, uintptr_t start, uintptr_t end, bool readable,
                          bool of_file)
{
	if (maker->pagemap < 0 || (!of_file && madvise((void *)start, end - start, MADV_COLD) != 0))
		return add_pages(maker, start, end, LEFT);
	return add_by_pagemap(maker, start, end, readable ? READ_ONLY_COPIED : LEFT,
	                      READ_ONLY_DROPPED);
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
		return add_pages(maker, start, end, LEFT);
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
static void keep(struct image *made, uintptr_t start, size_t size)
{
	if (made->kept_count == MAX_KEPT)
		return;
	struct kept *at = made->kept + made->kept_count++;
	for (; at > made->kept && at[-1].start > start; at--)
		*at = at[-1];
	*at = (struct kept){start, start + size};
}

/* Of glibc 2.35 and later: where the kernel notes the CPU that the thread is on, from the thread
 * pointer. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));

enum { RSEQ_SIZE = 32, THREAD_SEARCHED = 1024 };

/* The kernel writes a new process's id into libc's description of its thread, where libc looks for
 * it. Nothing tells where that is but that the server's is in the same place. */
static void find_what_to_keep(struct image *made)
{
	const pid_t self = syscall(SYS_gettid);
	const pid_t *thread = (const pid_t *)pthread_self();
	for (size_t i = 0; i < THREAD_SEARCHED / sizeof *thread; i++)
		if (thread[i] == self)
			keep(made, (uintptr_t)&thread[i], sizeof self);
	if (&__rseq_offset)
		keep(made, thread_pointer() + __rseq_offset, RSEQ_SIZE);
}

/* The number of bytes in whole pages. */
static size_t whole_pages(size_t size)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	return (size + page - 1) / page * page;
}

/* Finds out how large the image is; making it may write to some more pages. */
static bool map_image(struct maker *maker)
{
	const size_t more = 64;
	struct maker counting = *maker;
	if (!add_mappings(&counting))
		return false;
	maker->runs_room = counting.run_count + more;
	maker->copies = whole_pages(sizeof(struct image) + maker->runs_room * sizeof(struct run));
	maker->end = maker->copies + counting.copied + more * maker->page_size;
	void *mapped =
	        mmap(NULL, maker->end, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mapped == MAP_FAILED)
		return false;
	maker->image = mapped;
	return true;
}

static const struct image *make_image(int maps, int pagemap)
{
	struct maker maker = {.maps = maps, .pagemap = pagemap, .page_size = sysconf(_SC_PAGESIZE)};
	if (!map_image(&maker))
		return NULL;
	struct image *made = maker.image;
	made->size = maker.end;
	made->complete = maps >= 0;
	made->program_break = (uintptr_t)sbrk(0);
	find_what_to_keep(made);
	if (!add_mappings(&maker))
		return NULL;
	made->run_count = maker.run_count;
	return mprotect(made, made->size, PROT_READ) == 0 ? made : NULL;
}

bool initscript_image_save(void)
{
#ifdef __SANITIZE_ADDRESS__
	return true; /* it has notes of its own about all memory, in terabytes */
#endif
	int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	image = make_image(maps, pagemap);
	if (maps >= 0)
		close(maps);
	if (pagemap >= 0)
		close(pagemap);
#ifdef M_MMAP_MAX
	if (maps < 0) /* then all memory that libc hands out has to be in the heap */
		mallopt(M_MMAP_MAX, 0);
#endif
	return image;
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
static bool unmap_around(uintptr_t start, uintptr_t end, const struct kept kept[2])
{
	const struct kept *low = kept, *high = kept + 1;
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

static void put_back_run(const struct image *old, const struct run *run)
{
	const uintptr_t copy = (uintptr_t)old + run->copy - run->start; /* plus an address */
	uintptr_t start = run->start;
	for (const struct kept *kept = old->kept; kept < old->kept + old->kept_count; kept++) {
		if (kept->start < start || kept->end > run->end)
			continue;
		put_back(start, kept->start, copy + start);
		start = kept->end;
	}
	put_back(start, run->end, copy + start);
}

/* What was mapped since, below the stack, which may have grown. Above it is only what the kernel
 * puts there, and what NATIVES may have put there on purpose. */
static bool unmap_new(const struct image *old, const struct kept kept[2], bool natives)
{
	const uintptr_t page = sysconf(_SC_PAGESIZE);
	const uintptr_t here = (uintptr_t)__builtin_frame_address(0) / page * page;
	uintptr_t end = 0;
	for (const struct run *run = old->runs; run < old->runs + old->run_count; run++) {
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
static bool restore_run(const struct image *old, const struct run *run, bool natives)
{
	bool read_only = run->content == READ_ONLY_DROPPED || run->content == READ_ONLY_COPIED;
	if (run->content == LEFT || (read_only && !natives))
		return true;
	if (!is_copied(run))
		return drop(run->start, run->end);
	put_back_run(old, run);
	return true;
}

bool initscript_image_restore(const void *kept, size_t size, bool natives)
{
	const struct image *old = image;
	if (!old)
		return true;
	const size_t image_size = old->size;
	const struct kept mappings[2] = {
	        {(uintptr_t)old, (uintptr_t)old + image_size},
	        {(uintptr_t)kept, (uintptr_t)kept + whole_pages(size)},
	};
	/* First, as the heap may have become shorter. */
	if ((uintptr_t)sbrk(0) != old->program_break && brk((void *)old->program_break) != 0)
		return false;
	if (old->complete && !unmap_new(old, mappings, natives))
		return false;
	for (const struct run *run = old->runs; run < old->runs + old->run_count; run++)
		if (!restore_run(old, run, natives))
			return false;
	return munmap((void *)old, image_size) == 0;
}
