/*
 * The sockets that an inbox receives from. The objects inbox and channel use it, and messages that
 * carry an inbox. It closes what it removes without waiting for anybody.
 */
#include "lua_objects.h"
#include "util_failure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool initscript_inbox_add(struct initscript_inbox *inbox, int socket)
{
	if (inbox->count == inbox->capacity) {
		size_t capacity = inbox->capacity * 2 + 4;
		struct pollfd *sources = realloc(inbox->sources, capacity * sizeof *sources);
		if (!sources) {
			close(socket);
			return false;
		}
		inbox->sources = sources;
		inbox->capacity = capacity;
	}
	inbox->sources[inbox->count++] = (struct pollfd){.fd = socket, .events = POLLIN};
	return true;
}

/* Makes a source and a channel that leads there. The receiver must not be able to answer through
 * it: that would reach whoever else holds the channel. */
static bool one_way_pair(int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
		return false;
	INITSCRIPT_AUTO_CLOSE int source = pair[0], channel = pair[1];
	if (shutdown(source, SHUT_WR) != 0)
		return false;
	initscript_hand_over(&source);
	initscript_hand_over(&channel);
	return true;
}

int initscript_inbox_address(struct initscript_inbox *inbox)
{
	int pair[2];
	if (!one_way_pair(pair))
		return -1;
	if (!initscript_inbox_add(inbox, pair[0])) {
		close(pair[1]);
		errno = ENOMEM;
		return -1;
	}
	return pair[1];
}

void initscript_inbox_remove(struct initscript_inbox *inbox, size_t index)
{
	shutdown(inbox->sources[index].fd, SHUT_RDWR); /* a helper may have a copy */
	initscript_close_aside(inbox->sources[index].fd);
	inbox->count--;
	memmove(inbox->sources + index, inbox->sources + index + 1,
	        (inbox->count - index) * sizeof *inbox->sources);
	if (inbox->turn > index)
		inbox->turn--;
}

void initscript_inbox_close(struct initscript_inbox *inbox)
{
	while (inbox->count > 0)
		initscript_inbox_remove(inbox, inbox->count - 1);
	free(inbox->sources);
	if (inbox->packet)
		initscript_packet_clear(inbox->packet);
	free(inbox->packet);
	*inbox = (struct initscript_inbox){0};
}
