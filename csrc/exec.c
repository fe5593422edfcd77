#include "exec.h"

#include "report.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char **initscript_strings(const char *packed, size_t count)
{
	char **strings = malloc((count + 1) * sizeof *strings);
	if (!strings)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		strings[i] = (char *)packed;
		packed += strlen(packed) + 1;
	}
	strings[count] = NULL;
	return strings;
}

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

static void read_elf_interpreter(int fd, const ElfW(Ehdr) * header, char *interpreter)
{
	ElfW(Phdr) segment;
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

/* execve(2) says ENOENT also when the file is there and its interpreter is not. Stores the
 * interpreter's path, or "" where this is not the case. */
static void find_missing_interpreter(const char *path, char interpreter[PATH_MAX])
{
	union {
		char bytes[256];
		ElfW(Ehdr) elf;
	} head;
	interpreter[0] = '\0';
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	ssize_t length = read(fd, &head, sizeof head);
	if (length > 2 && memcmp(head.bytes, "#!", 2) == 0)
		read_shebang(head.bytes, length, interpreter);
	else if (length >= (ssize_t)sizeof head.elf && memcmp(head.bytes, ELFMAG, SELFMAG) == 0)
		read_elf_interpreter(fd, &head.elf, interpreter);
	close(fd);
	if (interpreter[0] && access(interpreter, F_OK) == 0)
		interpreter[0] = '\0';
}

static const char *search_path(char **envp)
{
	for (; *envp; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			return *envp + 5;
	return "";
}

/* Tries every directory of PATH, like execvp(3): a file that may not be executed does not hide
 * a later one, but is what gets reported. Returns errno; FOUND is the path it belongs to. */
static int exec_in_path(const char *name, char **argv, char **envp, char found[PATH_MAX])
{
	int error = ENOENT;
	snprintf(found, PATH_MAX, "%s", name);
	for (const char *entry = search_path(envp), *next; *entry; entry = next) {
		size_t length = strcspn(entry, ":");
		next = entry + length + (entry[length] == ':');
		char path[PATH_MAX];
		/* An empty entry would mean the working directory; nobody asks for that today. */
		if (length == 0 || length + strlen(name) + 2 > sizeof path)
			continue;
		snprintf(path, sizeof path, "%.*s/%s", (int)length, entry, name);
		execve(path, argv, envp);
		if (errno == ENOENT && access(path, F_OK) != 0)
			continue;
		if (errno != ENOTDIR && error == ENOENT) {
			error = errno;
			strcpy(found, path);
		}
		if (errno != EACCES && errno != ENOTDIR)
			break;
	}
	return error;
}

noreturn void initscript_exec(int report_fd, const char *path, char **argv, char **envp)
{
	char found[PATH_MAX], interpreter[PATH_MAX] = "";
	int error;
	initscript_report(report_fd, INITSCRIPT_SCRIPT_DONE, 0);
	if (strchr(path, '/')) {
		execve(path, argv, envp);
		error = errno;
		snprintf(found, sizeof found, "%s", path);
	} else {
		error = exec_in_path(path, argv, envp, found);
	}
	if (error == ENOENT)
		find_missing_interpreter(found, interpreter);
	const char *fields[] = {found, interpreter};
	initscript_report_strings(report_fd, INITSCRIPT_EXEC_FAILED, error, 0, fields, 2);
	bool not_found = error == ENOENT && !interpreter[0];
	_exit(not_found ? 127 : 126);
}
