/*
 * What a file names as its interpreter, for reports of programs that cannot be executed. It opens
 * the file once, never waits for it, and closes it.
 */
#include "sys_interpreter.h"

#include "sys_process.h"
#include "util_failure.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static void read_shebang(const char *head, size_t length, char *interpreter)
{
	const char *p = head + 2, *end = head + length;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	size_t n = 0;
	while (p < end && n < PATH_MAX - 1 && !strchr(" \t\n", *p))
		interpreter[n++] = *p++;
	interpreter[n] = '\0';
}

static void read_elf_interpreter(int fd, const INITSCRIPT_ELF(Ehdr) * header, char *interpreter)
{
	INITSCRIPT_ELF(Phdr) segment;
	for (unsigned i = 0; i < header->e_phnum; i++) {
		off_t offset = header->e_phoff + i * sizeof segment;
		if (pread(fd, &segment, sizeof segment, offset) != sizeof segment)
			return;
		if (segment.p_type != PT_INTERP || segment.p_filesz >= PATH_MAX)
			continue;
		ssize_t n = pread(fd, interpreter, segment.p_filesz, segment.p_offset);
		interpreter[n > 0 ? n : 0] = '\0';
		return;
	}
}

void initscript_read_interpreter(const char *path, char *interpreter)
{
	union {
		char bytes[256];
		INITSCRIPT_ELF(Ehdr) elf;
	} head;
	interpreter[0] = '\0';
	INITSCRIPT_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	ssize_t length = read(fd, &head, sizeof head);
	if (length > 2 && memcmp(head.bytes, "#!", 2) == 0)
		read_shebang(head.bytes, length, interpreter);
	else if (length >= (ssize_t)sizeof head.elf && memcmp(head.bytes, ELFMAG, SELFMAG) == 0)
		read_elf_interpreter(fd, &head.elf, interpreter);
}
