/*
 * The file that fork servers are executed from, in Linux. Go calls it in the host, once, and so
 * does the early launch. No child can write to the program's file through what is returned
 * (CVE-2019-5736).
 */
#include "sys_executable.h"

#include "util_failure.h"
#include "util_fds.h"
#include "util_memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

/* How much of a program the kernel and the dynamic loader read: debugging information comes after
 * that, and can be most of the file. All of it, if it is no ELF file of this machine's kind. */
static off_t loaded_size(int executable, off_t size)
{
	ElfW(Ehdr) header;
	ElfW(Phdr) segment;
	if (pread(executable, &header, sizeof header, 0) != sizeof header ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof segment)
		return size;
	off_t end = header.e_phoff + (off_t)header.e_phnum * sizeof segment;
	for (int i = 0; i < header.e_phnum; i++) {
		off_t offset = header.e_phoff + (off_t)i * sizeof segment;
		if (pread(executable, &segment, sizeof segment, offset) != sizeof segment)
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
		/* EINVAL: the file system cannot do this. ENOSYS: an emulator of Linux cannot. */
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

int initscript_copy_executable(int executable, const char **failed)
{
	struct stat status;
	*failed = "fstat";
	if (fstat(executable, &status) != 0)
		return -1;
	*failed = "memfd_create";
	INITSCRIPT_AUTO_CLOSE int memfd = initscript_memfd("initscript", INITSCRIPT_MFD_EXEC);
	if (memfd < 0)
		return -1;
	*failed = "sendfile";
	if (!copy(memfd, executable, loaded_size(executable, status.st_size)))
		return -1;
	*failed = "fcntl F_ADD_SEALS";
	return initscript_seal(memfd) == 0 ? initscript_hand_over(&memfd) : -1;
}

static bool is_privileged(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];
	uid_t real, effective, saved;
	return getresuid(&real, &effective, &saved) != 0 || !real || !effective || !saved ||
	       syscall(SYS_capget, &header, sets) != 0 || sets[0].permitted || sets[1].permitted;
}

static int reopen(int fd, int flags)
{
	return open(initscript_fd_path(fd).text, flags | O_CLOEXEC);
}

/* The mode is only half of the answer: some file systems in user space do not heed it. */
static bool is_write_protected(int executable)
{
	INITSCRIPT_AUTO_CLOSE int fd = reopen(executable, O_WRONLY);
	/* Not ETXTBSY: the kernel says that only where permissions would let us write. */
	return fd < 0 && (errno == EACCES || errno == EROFS);
}

/* Whether neither an unprivileged process nor what its children can become may write to the file:
 * it is root's, and only its owner may. The mode shows what access control lists grant, too. And
 * whether executing it gives no rights that this process may have dropped. */
static bool is_harmless(int executable)
{
	struct stat status;
	return fstat(executable, &status) == 0 && status.st_uid == 0 &&
	       !(status.st_mode & (S_IWGRP | S_IWOTH | S_ISUID | S_ISGID)) &&
	       is_write_protected(executable) &&
	       fgetxattr(executable, "security.capability", NULL, 0) < 0 &&
	       (errno == ENODATA || errno == EOPNOTSUPP); /* it has none; it cannot have any */
}

/* The file through a read-only mount of its own, or -1. The mount is in no namespace any more when
 * this returns, so it can neither be made writable again nor be attached anywhere. */
static int open_read_only(int executable)
{
	const struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID};
	INITSCRIPT_AUTO_CLOSE int tree = syscall(
	        SYS_open_tree, executable, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (tree < 0) /* ENOSYS: before Linux 5.2; EPERM: an LSM; EINVAL: mounts of a parent */
		return -1;
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) !=
	    0) /* ENOSYS: before Linux 5.12 */
		return -1;
	return reopen(tree, O_RDONLY);
}

int initscript_open_executable(const char **failed)
{
	*failed = "open /proc/self/exe";
	INITSCRIPT_AUTO_CLOSE int executable = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (executable < 0)
		return -1;
	bool privileged = is_privileged();
	if (!privileged && is_harmless(executable))
		return initscript_hand_over(&executable);
	int read_only = privileged ? open_read_only(executable) : -1;
	return read_only >= 0 ? read_only : initscript_copy_executable(executable, failed);
}
