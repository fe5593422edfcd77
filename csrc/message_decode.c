/*
 * Packets to Lua values. The inbox calls it for packets whose header and descriptors were checked.
 * What a sender can do wrong is found before a value is made, but for keys that occur twice, and
 * what a value costs its receiver is bounded.
 */
#include "lua_objects.h"
#include "message.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two passes. The first looks at the heads only: it finds all that is wrong but a key that occurs
 * twice, and bounds what the second can allocate. A body in a memfd is read through a window, the
 * part of the packet behind the header, and never mapped: a hole in a mapping of it could not be
 * told from memory, and memory could run out in the middle of it. */
struct decoder {
	struct initscript_packet *packet;
	uint8_t *window;
	size_t start, in_window; /* what of the body is in the window */
	size_t position, length;
	size_t fd_count; /* without the memfd */
	struct initscript_message_cost cost;
	bool used[INITSCRIPT_MESSAGE_FDS]; /* by index: whether the body refers to the descriptor */
};

struct head {
	unsigned major, info;
	uint64_t argument;
};

static bool in_memfd(const struct initscript_packet *packet)
{
	return packet->header.flags & INITSCRIPT_MESSAGE_IN_MEMFD;
}

static void begin(struct decoder *d, struct initscript_packet *packet)
{
	d->packet = packet;
	d->window = packet->bytes + sizeof packet->header;
	d->length = packet->header.length;
	d->in_window = in_memfd(packet) ? 0 : d->length;
	d->start = d->position = 0;
	d->fd_count = packet->examined.count - in_memfd(packet);
}

static size_t remaining(const struct decoder *d)
{
	return d->length - d->position;
}

/* Reads all; what is not there is an error. */
static bool read_memfd(int memfd, uint8_t *to, size_t length, size_t offset)
{
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

/* Returns the next SIZE bytes, which the body has and the window has room for; NULL if they cannot
 * be read. */
static const uint8_t *peek(struct decoder *d, size_t size)
{
	size_t offset = d->position - d->start;
	if (d->position >= d->start && offset <= d->in_window && d->in_window - offset >= size)
		return d->window + offset;
	size_t more =
	        remaining(d) < INITSCRIPT_MESSAGE_INLINE ? remaining(d) : INITSCRIPT_MESSAGE_INLINE;
	d->start = d->position;
	d->in_window = 0;
	if (!read_memfd(d->packet->memfd, d->window, more, d->position))
		return NULL;
	d->in_window = more;
	return d->window;
}

static bool read_head(struct decoder *d, struct head *head)
{
	const uint8_t *bytes = remaining(d) > 0 ? peek(d, 1) : NULL;
	if (!bytes)
		return false;
	head->major = *bytes >> 5;
	head->info = *bytes & 31;
	head->argument = head->info;
	d->position++;
	if (head->info < 24)
		return true;
	if (head->info > 27) /* reserved, or of indefinite length */
		return false;
	size_t size = (size_t)1 << (head->info - 24);
	bytes = remaining(d) >= size ? peek(d, size) : NULL;
	if (!bytes)
		return false;
	d->position += size;
	head->argument = 0;
	while (size-- > 0)
		head->argument = head->argument << 8 | *bytes++;
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

static bool skip_string(struct decoder *d, uint64_t length)
{
	if (length > remaining(d))
		return false;
	d->position += length;
	if (length > d->cost.longest)
		d->cost.longest = length;
	return initscript_message_affordable(&d->cost);
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
		return skip_string(d, head->argument);
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

static bool check_tag(struct decoder *d, const struct head *tag)
{
	struct head index;
	if (tag->argument != CBOR_TAG_FILE && tag->argument != CBOR_TAG_CHANNEL)
		return false;
	if (!check_head(d, &index) || index.major != CBOR_UINT || index.argument >= d->fd_count ||
	    d->used[index.argument])
		return false;
	d->used[index.argument] = true;
	return tag->argument == CBOR_TAG_FILE ||
	       d->packet->examined.is_channel[index.argument + in_memfd(d->packet)];
}

static bool check_item(struct decoder *d, int depth);

static bool check_array(struct decoder *d, uint64_t length, int depth)
{
	if (depth == INITSCRIPT_MESSAGE_DEPTH || length > remaining(d))
		return false;
	while (length-- > 0)
		if (!check_item(d, depth + 1))
			return false;
	return true;
}

static bool check_map(struct decoder *d, uint64_t length, int depth)
{
	struct head key;
	if (depth == INITSCRIPT_MESSAGE_DEPTH || length > remaining(d) / 2)
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
		return skip_string(d, head.argument);
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

bool initscript_message_check(struct initscript_packet *packet)
{
	struct decoder d = {.cost = {.body = packet->header.length}};
	begin(&d, packet);
	d.cost.descriptors = d.fd_count;
	if (!check_item(&d, 0) || remaining(&d) > 0)
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

/* The descriptor is not here yet. */
static bool push_descriptor(lua_State *L, struct decoder *d, const struct head *tag)
{
	struct head index;
	if (!read_head(d, &index))
		return false;
	if (tag->argument == CBOR_TAG_FILE)
		d->packet->places[index.argument] = &initscript_lua_push_fd(L)->fd;
	else
		d->packet->places[index.argument] = &initscript_lua_push_channel(L)->fd;
	return true;
}

/* Lua copies. What is longer than the window is read as a whole before; its cost counts that. */
static bool push_string(lua_State *L, struct decoder *d, size_t length)
{
	struct initscript_packet *packet = d->packet;
	const uint8_t *bytes;
	if (length <= INITSCRIPT_MESSAGE_INLINE) {
		bytes = peek(d, length);
	} else {
		bytes = packet->long_text = malloc(length);
		if (bytes && !read_memfd(packet->memfd, packet->long_text, length, d->position))
			return false;
	}
	if (!bytes)
		return false;
	lua_pushlstring(L, (const char *)bytes, length);
	free(packet->long_text);
	packet->long_text = NULL;
	d->position += length;
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
		return push_string(L, d, head.argument);
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
	begin(&d, packet);
	return push_item(L, &d);
}
