/*
 * One packet on its way out of a socket. The inbox calls it. A packet that is refused never puts a
 * descriptor into our table where the kernel offers a way around that, and none stays there after
 * initscript_packet_clear().
 */
#include "message.h"
#include "util_rights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct initscript_packet *initscript_packet_new(void)
{
	struct initscript_packet *packet = calloc(1, sizeof *packet);
	if (packet)
		packet->memfd = -1;
	return packet;
}

static bool in_memfd(const struct initscript_packet *packet)
{
	return packet->header.flags & INITSCRIPT_MESSAGE_IN_MEMFD;
}

bool initscript_message_affordable(const struct initscript_message_cost *cost)
{
	return cost->body + cost->body / 4 + cost->longest + INITSCRIPT_COST_OF_ITEM * cost->items +
	               INITSCRIPT_COST_OF_MAP * cost->maps +
	               INITSCRIPT_COST_OF_ENTRY * cost->entries +
	               INITSCRIPT_COST_OF_DESCRIPTOR * cost->descriptors <=
	       INITSCRIPT_MESSAGE_LIMIT;
}

bool initscript_message_check_header(const struct initscript_packet *packet, bool has_rights)
{
	const struct initscript_message_header *header = &packet->header;
	struct initscript_message_cost cost = {.body = header->length};
	if (packet->length < sizeof *header || header->version != INITSCRIPT_MESSAGE_VERSION ||
	    (header->flags & ~INITSCRIPT_MESSAGE_IN_MEMFD) != 0 ||
	    header->descriptors > INITSCRIPT_MESSAGE_FDS + in_memfd(packet) ||
	    header->descriptors < in_memfd(packet) || (header->descriptors > 0 && !has_rights))
		return false;
	cost.descriptors = header->descriptors - in_memfd(packet);
	return initscript_message_affordable(&cost) &&
	       packet->length - sizeof *header == (in_memfd(packet) ? 0 : header->length);
}

bool initscript_message_check_descriptors(const struct initscript_packet *packet)
{
	const int needed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	const struct initscript_examined *examined = &packet->examined;
	if (examined->count != packet->header.descriptors)
		return false;
	return !in_memfd(packet) || (examined->seals >= 0 && (examined->seals & needed) == needed &&
	                             examined->size == packet->header.length);
}

/* recvmsg(2) that waits for nothing. */
static ssize_t receive(int socket, struct msghdr *message, int flags)
{
	void *control = message->msg_control;
	size_t room = message->msg_controllen;
	for (;;) {
		message->msg_control = control;
		message->msg_controllen = room;
		ssize_t length = recvmsg(socket, message, flags | MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		/* ECONNRESET is said once when the peer left a message unread; what it sent
		 * follows. */
		if (length >= 0 || (errno != EINTR && errno != ECONNRESET))
			return length;
	}
}

/* EAGAIN: the queue is empty, though poll(2) has said otherwise: another receiver was faster. */
static enum initscript_received failed(void)
{
	return errno == EAGAIN ? INITSCRIPT_NOTHING_THERE : INITSCRIPT_SOURCE_ENDS;
}

/* Opens the memfd of a packet that was looked at. Only this descriptor gets into our table, and
 * closing it waits for nobody. */
static enum initscript_received open_memfd(struct initscript_packet *packet, int socket)
{
	union initscript_control control;
	char byte;
	struct iovec data = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	struct initscript_examined first;
	initscript_await_first_right(&message, &control, packet->examined.offset);
	if (receive(socket, &message, MSG_PEEK) < 0)
		return failed();
	if (initscript_take_rights(&message, &packet->memfd, 1) == 0)
		return INITSCRIPT_SOURCE_ENDS; /* EMFILE */
	/* Whoever reads this socket, too, may have taken the packet that was examined. */
	initscript_describe(&packet->memfd, 1, &first);
	bool same = first.seals == packet->examined.seals && first.size == packet->examined.size;
	return same ? INITSCRIPT_RECEIVED : INITSCRIPT_NOTHING_THERE;
}

/* A packet that is in PACKET as it was taken. */
static enum initscript_received check_taken(struct initscript_packet *packet)
{
	initscript_describe(packet->fds, packet->fd_count, &packet->examined);
	if (!initscript_message_check_header(packet, packet->fd_count > 0) ||
	    !initscript_message_check_descriptors(packet))
		return INITSCRIPT_SOURCE_ENDS;
	if (in_memfd(packet)) {
		packet->memfd = packet->fds[0];
		packet->fds[0] = -1;
	}
	return INITSCRIPT_RECEIVED;
}

enum initscript_received initscript_packet_look(struct initscript_packet *packet, int socket)
{
	struct iovec data = {.iov_base = packet->bytes, .iov_len = sizeof packet->bytes};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	ssize_t length = receive(socket, &message, MSG_PEEK);
	packet->length = length > 0 ? length : 0;
	if (length < 0)
		return failed();
	packet->examined.count = 0;
	/* Cut off is what there is no room for: descriptors, or credentials if SO_PASSCRED is on.
	 */
	bool has_rights = message.msg_flags & MSG_CTRUNC;
	if (length == 0 || message.msg_flags & MSG_TRUNC ||
	    !initscript_message_check_header(packet, has_rights))
		return INITSCRIPT_SOURCE_ENDS;
	int error = has_rights ? initscript_examine(socket, &packet->examined) : 0;
	if (error == ENOSYS) { /* no helper can be made to look: take it, and look at it here */
		enum initscript_received taken = initscript_packet_take(packet, socket);
		return taken == INITSCRIPT_ANOTHER ? INITSCRIPT_RECEIVED : taken;
	}
	if (error == EAGAIN) /* another receiver has taken it meanwhile */
		return INITSCRIPT_NOTHING_THERE;
	if (error || !initscript_message_check_descriptors(packet))
		return INITSCRIPT_SOURCE_ENDS;
	return in_memfd(packet) ? open_memfd(packet, socket) : INITSCRIPT_RECEIVED;
}

static bool is_the_same(const struct initscript_packet *packet, size_t length)
{
	struct initscript_examined now;
	if (length != packet->length || memcmp(packet->bytes, packet->taken_bytes, length) != 0 ||
	    packet->fd_count != packet->examined.count)
		return false;
	initscript_describe(packet->fds, packet->fd_count, &now);
	return memcmp(now.is_channel, packet->examined.is_channel,
	              now.count * sizeof *now.is_channel) == 0 &&
	       (!in_memfd(packet) || now.size == packet->examined.size);
}

enum initscript_received initscript_packet_take(struct initscript_packet *packet, int socket)
{
	union initscript_control control;
	struct iovec data = {.iov_base = packet->taken_bytes,
	                     .iov_len = sizeof packet->taken_bytes};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	initscript_await_rights(&message, &control);
	if (packet->taken)
		return INITSCRIPT_RECEIVED;
	ssize_t length = receive(socket, &message, 0);
	if (length < 0)
		return failed();
	packet->taken = true;
	packet->fd_count = initscript_take_rights(&message, packet->fds, INITSCRIPT_MAX_FDS);
	if (length == 0 || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return INITSCRIPT_SOURCE_ENDS;
	if (is_the_same(packet, length))
		return INITSCRIPT_RECEIVED;
	if (packet->memfd >= 0)
		close(packet->memfd);
	packet->memfd = -1;
	packet->length = length;
	memcpy(packet->bytes, packet->taken_bytes, length);
	return check_taken(packet) == INITSCRIPT_RECEIVED ? INITSCRIPT_ANOTHER
	                                                  : INITSCRIPT_SOURCE_ENDS;
}

void initscript_packet_place(struct initscript_packet *packet)
{
	for (size_t i = in_memfd(packet); i < packet->fd_count; i++) {
		*packet->places[i - in_memfd(packet)] = packet->fds[i];
		packet->fds[i] = -1;
	}
}

void initscript_packet_clear(struct initscript_packet *packet)
{
	for (size_t i = 0; i < packet->fd_count; i++)
		if (packet->fds[i] >= 0)
			initscript_close_aside(packet->fds[i]);
	if (packet->memfd >= 0)
		initscript_close_aside(packet->memfd);
	free(packet->long_text);
	packet->long_text = NULL;
	packet->memfd = -1;
	packet->fd_count = 0;
	packet->taken = false;
}
