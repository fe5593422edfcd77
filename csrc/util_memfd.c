/*
 * Files in memory, for the executable of fork servers and for long messages. They are close-on-
 * exec from birth, and nobody can change one that is sealed.
 */
#include "util_memfd.h"

#include "util_failure.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int initscript_memfd(const char *name, unsigned modern)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int memfd = memfd_create(name, flags | modern);
	if (memfd < 0 && errno == EINVAL) /* before Linux 6.3 */
		memfd = memfd_create(name, flags);
	return memfd;
}

int initscript_seal(int memfd)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int result = fcntl(memfd, F_ADD_SEALS, seals);
	/* EBUSY: the kernel itself still uses a page (reclaim, migration). It has waited already.
	 */
	for (int attempt = 0; result != 0 && errno == EBUSY && attempt < 10; attempt++)
		result = fcntl(memfd, F_ADD_SEALS, seals);
	return result;
}

static int write_all(int fd, const char *content, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, content, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		content += n;
		size -= n;
	}
	return 0;
}

int initscript_sealed_memfd(const char *name, const void *content, size_t size)
{
	INITSCRIPT_AUTO_CLOSE int memfd = initscript_memfd(name, INITSCRIPT_MFD_NOEXEC_SEAL);
	if (memfd < 0 || write_all(memfd, content, size) != 0 || initscript_seal(memfd) != 0)
		return -1;
	return initscript_hand_over(&memfd);
}
