/*
 * What received descriptors are, for the two sides that receive messages: Go calls it, and so do
 * the packets of Lua programs. It waits for nobody.
 */
#include "sys_examine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

static bool is_seqpacket(int fd)
{
	int domain, type;
	socklen_t length = sizeof domain;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0 || domain != AF_UNIX)
		return false;
	length = sizeof type;
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

/* The seals come first: fcntl(2) asks no file system about them. */
static void describe_first(int fd, struct initscript_examined *examined)
{
	struct stat status;
	examined->seals = fcntl(fd, F_GET_SEALS);
	examined->seals_error = examined->seals < 0 ? errno : 0;
	examined->size = -1;
	if (examined->seals >= 0 && fstat(fd, &status) == 0)
		examined->size = status.st_size;
}

void initscript_describe(const int *fds, size_t count, struct initscript_examined *examined)
{
	examined->count = count;
	examined->offset = 0;
	for (size_t i = 0; i < count; i++)
		examined->is_channel[i] = is_seqpacket(fds[i]);
	if (count > 0)
		describe_first(fds[0], examined);
}
