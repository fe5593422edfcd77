#include "lua_objects.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two passes. The first looks at the heads only: it finds all that is wrong but a key that occurs
 * twice, and bounds what the second can allocate. */
struct decoder {
	struct initscript_packet *packet;
	const uint8_t *next, *end;
	const int *fds; /* without the memfd */
	size_t fd_count;
	struct initscript_message_cost cost;
	bool used[INITSCRIPT_MESSAGE_FDS]; /* by index: whether the body refers to the descriptor */
	int *taken[INITSCRIPT_MESSAGE_FDS]; /* where they are in Lua objects */
	size_t taken_count;
};

struct head {
	unsigned major, info;
	uint64_t argument;
};

static bool read_head(struct decoder *d, struct head *head)
{
	if (d->next == d->end)
		return false;
	head->major = *d->next >> 5;
	head->info = *d->next & 31;
	head->argument = head->info;
	d->next++;
	if (head->info < 24)
		return true;
	if (head->info > 27) /* reserved, or of indefinite length */
		return false;
	size_t size = (size_t)1 << (head->info - 24);
	if ((size_t)(d->end - d->next) < size)
		return false;
	head->argument = 0;
	while (size-- > 0)
		head->argument = head->argument << 8 | *d->next++;
	return true;
}

static double half_to_double(unsigned bits)
{
	int exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
	double value = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
	if (exponent == 31)
		value = fraction ? NAN : INFINITY;
	return bits >> 15 ? -value : value;
}

static double to_double(const struct head *head)
{
	if (head->info == CBOR_HALF)
		return half_to_double(head->argument);
	if (head->info == CBOR_FLOAT) {
		uint32_t bits = head->argument;
		float value;
		memcpy(&value, &bits, sizeof value);
		return value;
	}
	double value;
	memcpy(&value, &head->argument, sizeof value);
	return value;
}

static bool check_head(struct decoder *d, struct head *head)
{
	if (!read_head(d, head))
		return false;
	d->cost.items++;
	d->cost.maps += head->major == CBOR_MAP;
	return initscript_message_affordable(&d->cost);
}

static bool skip(struct decoder *d, uint64_t length)
{
	if (length > (size_t)(d->end - d->next))
		return false;
	d->next += length;
	return true;
}

/* What can be a key of a map, too. */
static bool check_scalar(struct decoder *d, const struct head *head)
{
	switch (head->major) {
	case CBOR_UINT:
		return true;
	case CBOR_NEGATIVE:
		return head->argument <= INT64_MAX;
	case CBOR_TEXT:
		return skip(d, head->argument);
	case CBOR_OTHER:
		return head->info == CBOR_FALSE || head->info == CBOR_TRUE ||
		       (head->info >= CBOR_HALF && head->info <= CBOR_DOUBLE);
	default:
		return false;
	}
}

/* Numbers that Lua can tell apart from all others. */
static bool can_be_key(const struct head *head)
{
	if (head->major == CBOR_UINT || head->major == CBOR_NEGATIVE) /* -1 - argument */
		return head->argument <= (UINT64_C(1) << 53) - (head->major == CBOR_NEGATIVE);
	return head->major != CBOR_OTHER || head->info < CBOR_HALF || !isnan(to_double(head));
}

static bool is_seqpacket(int fd)
{
	int domain, type;
	socklen_t length = sizeof domain;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0 || domain != AF_UNIX)
		return false;
	length = sizeof type;
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

static bool check_tag(struct decoder *d, const struct head *tag)
{
	struct head index;
	if (tag->argument != CBOR_TAG_FILE && tag->argument != CBOR_TAG_CHANNEL)
		return false;
	if (!check_head(d, &index) || index.major != CBOR_UINT || index.argument >= d->fd_count ||
	    d->used[index.argument])
		return false;
	d->used[index.argument] = true;
	return tag->argument == CBOR_TAG_FILE || is_seqpacket(d->fds[index.argument]);
}

static bool check_item(struct decoder *d, int depth);

static bool check_array(struct decoder *d, uint64_t length, int depth)
{
	if (depth == INITSCRIPT_MESSAGE_DEPTH || length > (size_t)(d->end - d->next))
		return false;
	while (length-- > 0)
		if (!check_item(d, depth + 1))
			return false;
	return true;
}

static bool check_map(struct decoder *d, uint64_t length, int depth)
{
	struct head key;
	if (depth == INITSCRIPT_MESSAGE_DEPTH || length > (size_t)(d->end - d->next) / 2)
		return false;
	for (; length > 0; length--) {
		d->cost.entries++;
		if (!check_head(d, &key) || !check_scalar(d, &key) || !can_be_key(&key) ||
		    !check_item(d, depth + 1))
			return false;
	}
	return true;
}

static bool check_item(struct decoder *d, int depth)
{
	struct head head;
	if (!check_head(d, &head))
		return false;
	switch (head.major) {
	case CBOR_BYTES:
		return skip(d, head.argument);
	case CBOR_ARRAY:
		return check_array(d, head.argument, depth);
	case CBOR_MAP:
		return check_map(d, head.argument, depth);
	case CBOR_TAG:
		return check_tag(d, &head);
	default:
		return check_scalar(d, &head);
	}
}

/* Reads all; what is not there is an error. A memfd is never mapped: a hole in a mapping of it
 * could not be told from memory, and memory could run out in the middle of it. */
static bool read_memfd(int memfd, uint8_t *to, size_t length)
{
	off_t offset = 0;
	while (length > 0) {
		ssize_t n = pread(memfd, to, length, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		to += n;
		offset += n;
		length -= n;
	}
	return true;
}

/* The seals come first: fcntl(2) asks no file system about them. */
static bool take_memfd(struct initscript_packet *packet)
{
	const int needed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat status;
	size_t length = packet->header.length;
	if (packet->fd_count == 0)
		return false;
	int memfd = packet->fds[0];
	int seals = fcntl(memfd, F_GET_SEALS);
	if (seals < 0 || (seals & needed) != needed || fstat(memfd, &status) != 0 ||
	    status.st_size != (off_t)length)
		return false;
	packet->memfd_body = malloc(length ? length : 1);
	return packet->memfd_body && read_memfd(memfd, packet->memfd_body, length);
}

static bool in_memfd(const struct initscript_packet *packet)
{
	return packet->header.flags & INITSCRIPT_MESSAGE_IN_MEMFD;
}

static void begin(struct decoder *d, struct initscript_packet *packet)
{
	const uint8_t *body = packet->bytes + sizeof packet->header;
	if (in_memfd(packet))
		body = packet->memfd_body;
	d->packet = packet;
	d->next = body;
	d->end = body + packet->header.length;
	d->fds = packet->fds + in_memfd(packet);
	d->fd_count = packet->fd_count - in_memfd(packet);
}

static bool check_header(struct decoder *d, struct initscript_packet *packet)
{
	const struct initscript_message_header *header = &packet->header;
	if (packet->length < sizeof *header || header->version != INITSCRIPT_MESSAGE_VERSION ||
	    (header->flags & ~INITSCRIPT_MESSAGE_IN_MEMFD) != 0 ||
	    header->descriptors != packet->fd_count)
		return false;
	d->cost.body = header->length;
	if (!initscript_message_affordable(&d->cost))
		return false;
	size_t beside = packet->length - sizeof *header;
	if (in_memfd(packet) ? beside != 0 || !take_memfd(packet) : beside != header->length)
		return false;
	begin(d, packet);
	d->cost.descriptors = d->fd_count;
	return d->fd_count <= INITSCRIPT_MESSAGE_FDS && initscript_message_affordable(&d->cost);
}

bool initscript_message_check(struct initscript_packet *packet)
{
	struct decoder d = {0};
	if (!check_header(&d, packet) || !check_item(&d, 0) || d.next != d.end)
		return false;
	for (size_t i = 0; i < d.fd_count; i++)
		if (!d.used[i])
			return false;
	return true;
}

/* The second pass. It trusts the first. */
static bool push_item(lua_State *L, struct decoder *d);

static void push_integer(lua_State *L, const struct head *head)
{
	bool is_negative = head->major == CBOR_NEGATIVE;
	if (head->argument <= (UINT64_C(1) << 53) - is_negative)
		lua_pushnumber(L, is_negative ? -1.0 - head->argument : (double)head->argument);
	else
		initscript_message_push_int64(L, is_negative ? ~head->argument : head->argument,
		                              is_negative || head->argument <= INT64_MAX);
}

static bool push_array(lua_State *L, struct decoder *d, size_t length)
{
	lua_createtable(L, length, 0);
	for (size_t i = 1; i <= length; i++) {
		if (!push_item(L, d))
			return false;
		lua_rawseti(L, -2, i);
	}
	initscript_message_mark_array(L);
	return true;
}

/* A map is marked if it would otherwise not be sent in the same way. */
static bool push_map(lua_State *L, struct decoder *d, size_t length)
{
	bool to_mark = length == 0;
	lua_createtable(L, 0, length);
	while (length-- > 0) {
		if (!push_item(L, d))
			return false;
		to_mark |= lua_type(L, -1) != LUA_TSTRING;
		lua_pushvalue(L, -1);
		lua_rawget(L, -3);
		if (!lua_isnil(L, -1))
			return false;
		lua_pop(L, 1);
		if (!push_item(L, d))
			return false;
		lua_rawset(L, -3);
	}
	if (to_mark)
		initscript_message_mark_map(L);
	return true;
}

static void take_fd(struct decoder *d, size_t index, int *object)
{
	int *fd = &d->packet->fds[index + in_memfd(d->packet)];
	*object = *fd;
	*fd = -1;
	d->taken[d->taken_count++] = object;
}

static bool push_descriptor(lua_State *L, struct decoder *d, const struct head *tag)
{
	struct head index;
	if (!read_head(d, &index))
		return false;
	if (tag->argument == CBOR_TAG_FILE)
		take_fd(d, index.argument, &initscript_lua_push_fd(L)->fd);
	else
		take_fd(d, index.argument, &initscript_lua_push_channel(L)->fd);
	return true;
}

static bool push_item(lua_State *L, struct decoder *d)
{
	struct head head;
	if (!read_head(d, &head))
		return false;
	switch (head.major) {
	case CBOR_BYTES:
	case CBOR_TEXT:
		lua_pushlstring(L, (const char *)d->next, head.argument);
		d->next += head.argument;
		return true;
	case CBOR_ARRAY:
		return push_array(L, d, head.argument);
	case CBOR_MAP:
		return push_map(L, d, head.argument);
	case CBOR_TAG:
		return push_descriptor(L, d, &head);
	case CBOR_OTHER:
		if (head.info < CBOR_HALF)
			lua_pushboolean(L, head.info == CBOR_TRUE);
		else
			lua_pushnumber(L, to_double(&head));
		return true;
	default:
		push_integer(L, &head);
		return true;
	}
}

bool initscript_message_push(lua_State *L, struct initscript_packet *packet)
{
	struct decoder d;
	d.taken_count = 0;
	begin(&d, packet);
	if (push_item(L, &d))
		return true;
	/* The objects are still on the stack; nobody waits for their collection. */
	for (size_t i = 0; i < d.taken_count; i++) {
		close(*d.taken[i]);
		*d.taken[i] = -1;
	}
	return false;
}
