#include "program.h"

#include "fds.h"
#include "memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* How much of a program the kernel and the dynamic loader read: debugging information comes after
 * that, and can be most of the file. All of it, if it is no ELF file of this machine's kind. */
static off_t loaded_size(int program, off_t size)
{
	ElfW(Ehdr) header;
	ElfW(Phdr) segment;
	if (pread(program, &header, sizeof header, 0) != sizeof header ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof segment)
		return size;
	off_t end = header.e_phoff + (off_t)header.e_phnum * sizeof segment;
	for (int i = 0; i < header.e_phnum; i++) {
		off_t offset = header.e_phoff + (off_t)i * sizeof segment;
		if (pread(program, &segment, sizeof segment, offset) != sizeof segment)
			return size;
		off_t segment_end = segment.p_offset + segment.p_filesz;
		if (segment_end > end)
			end = segment_end;
	}
	return end < size ? end : size;
}

/* Where sendfile(2) cannot read from the file system. */
static ssize_t copy_some(int to, int from, off_t offset)
{
	char bytes[65536];
	ssize_t n = pread(from, bytes, sizeof bytes, offset);
	return n > 0 ? write(to, bytes, n) : n;
}

static bool copy(int to, int from, off_t size)
{
	for (off_t done = 0; done < size;) {
		off_t offset = done;
		ssize_t n = sendfile(to, from, &offset, size - done);
		if (n < 0 && (errno == EINVAL || errno == ENOSYS))
			n = copy_some(to, from, done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n == 0 ? EIO : errno; /* it has become shorter */
			return false;
		}
		done += n;
	}
	return true;
}

static int copy_of(int program, const char **failed)
{
	struct stat status;
	*failed = "fstat";
	if (fstat(program, &status) != 0)
		return -1;
	*failed = "memfd_create";
	int memfd = initscript_memfd("initscript", INITSCRIPT_MFD_EXEC);
	if (memfd < 0)
		return -1;
	*failed = "sendfile";
	if (copy(memfd, program, loaded_size(program, status.st_size))) {
		*failed = "fcntl F_ADD_SEALS";
		if (initscript_seal(memfd) == 0)
			return memfd;
	}
	initscript_close_keeping_errno(memfd);
	return -1;
}

int initscript_copy_program(const char **failed)
{
	*failed = "open /proc/self/exe";
	int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (program < 0)
		return -1;
	int memfd = copy_of(program, failed);
	initscript_close_keeping_errno(program);
	return memfd;
}
