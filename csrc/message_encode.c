/*
 * Lua values to packets. Channels send through it. When it returns the message is in the socket;
 * otherwise it has raised an error, and nothing that was made for the message is left.
 */
#include "lua_error.h"
#include "lua_objects.h"
#include "message.h"
#include "sys_process.h"
#include "util_memfd.h"
#include "util_rights.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Nothing below raises a Lua error while there is something to free: what is wrong is noted here
 * and raised at the end. */
struct encoder {
	lua_State *L;
	uint8_t *bytes; /* the header, then the body */
	size_t length, capacity;
	struct initscript_message_cost cost;
	int fds[INITSCRIPT_MAX_FDS]; /* room for the memfd */
	size_t fd_count;
	int own[INITSCRIPT_MAX_FDS]; /* those made for this message: to be closed */
	size_t own_count;
	int error; /* errno value */
	char path[256], what[256];
};

static bool fail(struct encoder *e, int error, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static bool fail(struct encoder *e, int error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(e->what, sizeof e->what, format, arguments);
	va_end(arguments);
	e->error = error;
	return false;
}

/* Adds the element of a table through which the failure passes on its way up. */
static bool fail_in(struct encoder *e, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static bool fail_in(struct encoder *e, const char *format, ...)
{
	char element[sizeof e->path], rest[sizeof e->path];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(element, sizeof element, format, arguments);
	va_end(arguments);
	memcpy(rest, e->path, sizeof rest);
	snprintf(e->path, sizeof e->path, "%.120s%.120s", element, rest);
	return false;
}

static bool reserve(struct encoder *e, size_t more)
{
	if (e->capacity - e->length >= more)
		return true;
	size_t capacity = e->capacity * 2 + more;
	uint8_t *bytes = realloc(e->bytes, capacity);
	if (!bytes)
		return fail(e, ENOMEM, "encode message");
	e->bytes = bytes;
	e->capacity = capacity;
	return true;
}

/* Counts one more item of so many bytes and makes room for it. */
static bool charge(struct encoder *e, size_t bytes)
{
	e->cost.items++;
	e->cost.body += bytes;
	if (!initscript_message_affordable(&e->cost))
		return fail(e, EINVAL,
		            "too large: it costs its receiver more than the limit of %d bytes",
		            INITSCRIPT_MESSAGE_LIMIT);
	return reserve(e, bytes);
}

static void put_big_endian(uint8_t *to, uint64_t number, size_t size)
{
	while (size-- > 0) {
		to[size] = number;
		number >>= 8;
	}
}

/* Begins an item; CONTENT is the number of bytes that will follow the head. */
static bool put_head(struct encoder *e, unsigned major, uint64_t argument, size_t content)
{
	unsigned info = argument < 24            ? argument
	                : argument <= UINT8_MAX  ? 24
	                : argument <= UINT16_MAX ? 25
	                : argument <= UINT32_MAX ? 26
	                                         : 27;
	size_t size = info < 24 ? 0 : (size_t)1 << (info - 24);
	if (!charge(e, 1 + size + content))
		return false;
	e->bytes[e->length] = major << 5 | info;
	put_big_endian(e->bytes + e->length + 1, argument, size);
	e->length += 1 + size;
	return true;
}

static bool put_double(struct encoder *e, double number)
{
	uint64_t bits;
	memcpy(&bits, &number, sizeof bits);
	if (!charge(e, 1 + sizeof bits))
		return false;
	e->bytes[e->length] = CBOR_OTHER << 5 | CBOR_DOUBLE;
	put_big_endian(e->bytes + e->length + 1, bits, sizeof bits);
	e->length += 1 + sizeof bits;
	return true;
}

/* Numbers without a fraction travel as integers, as far as a Lua number counts exactly. */
static bool put_number(struct encoder *e, double number)
{
	bool is_integer = number >= -0x1p53 && number <= 0x1p53 && number == floor(number) &&
	                  !(number == 0 && signbit(number));
	if (!is_integer)
		return put_double(e, number);
	if (number < 0)
		return put_head(e, CBOR_NEGATIVE, -(int64_t)number - 1, 0);
	return put_head(e, CBOR_UINT, number, 0);
}

static bool put_text(struct encoder *e, int index)
{
	size_t length;
	const char *text = lua_tolstring(e->L, index, &length);
	if (length > e->cost.longest)
		e->cost.longest = length;
	if (!put_head(e, CBOR_TEXT, length, length))
		return false;
	memcpy(e->bytes + e->length, text, length);
	e->length += length;
	return true;
}

/* What can be a key of a map, too. */
static bool put_scalar(struct encoder *e, int index, bool *known)
{
	*known = true;
	switch (lua_type(e->L, index)) {
	case LUA_TBOOLEAN:
		return put_head(e, CBOR_OTHER, lua_toboolean(e->L, index) ? CBOR_TRUE : CBOR_FALSE,
		                0);
	case LUA_TNUMBER:
		return put_number(e, lua_tonumber(e->L, index));
	case LUA_TSTRING:
		return put_text(e, index);
	}
	*known = false;
	return false;
}

static bool put_fd(struct encoder *e, uint64_t tag, int fd)
{
	if (e->fd_count == INITSCRIPT_MESSAGE_FDS)
		return fail(e, EINVAL, "a message holds at most %d files and channels",
		            INITSCRIPT_MESSAGE_FDS);
	e->cost.descriptors++;
	if (!put_head(e, CBOR_TAG, tag, 0) || !put_head(e, CBOR_UINT, e->fd_count, 0))
		return false;
	e->fds[e->fd_count++] = fd;
	return true;
}

static bool put_address(struct encoder *e, struct initscript_inbox *inbox)
{
	if (e->own_count == INITSCRIPT_MESSAGE_FDS)
		return fail(e, EINVAL, "too many addresses");
	int fd = initscript_inbox_address(inbox);
	if (fd < 0)
		return fail(e, errno, "make an address of the inbox");
	e->own[e->own_count++] = fd;
	return put_fd(e, CBOR_TAG_CHANNEL, fd);
}

static bool put_userdata(struct encoder *e, int index)
{
	struct initscript_lua_fd *file = initscript_lua_to_fd(e->L, index);
	if (file && file->fd < 0)
		return fail(e, EBUSY, "the file_descriptor is closed");
	if (file)
		return put_fd(e, CBOR_TAG_FILE, file->fd);
	struct initscript_channel *channel = initscript_lua_to_channel(e->L, index);
	if (channel && channel->fd < 0)
		return fail(e, EBUSY, "the channel is closed");
	if (channel)
		return put_fd(e, CBOR_TAG_CHANNEL, channel->fd);
	struct initscript_inbox *inbox = initscript_lua_to_inbox(e->L, index);
	if (inbox)
		return put_address(e, inbox);
	return fail(e, EINVAL, "this userdata cannot be sent");
}

static bool put_cdata(struct encoder *e, int index)
{
	uint64_t bits;
	switch (initscript_message_to_int64(e->L, index, &bits)) {
	case INITSCRIPT_INT64:
		if ((int64_t)bits < 0)
			return put_head(e, CBOR_NEGATIVE, ~bits, 0);
		/* fall through */
	case INITSCRIPT_UINT64:
		return put_head(e, CBOR_UINT, bits, 0);
	default:
		return fail(e, EINVAL, "a cdata other than int64_t and uint64_t cannot be sent");
	}
}

static bool put_item(struct encoder *e, int index, int depth);

static bool put_array(struct encoder *e, int table, size_t length, int depth)
{
	if (!put_head(e, CBOR_ARRAY, length, 0))
		return false;
	for (size_t i = 1; i <= length; i++) {
		lua_rawgeti(e->L, table, i);
		if (!put_item(e, lua_gettop(e->L), depth + 1))
			return fail_in(e, "[%zu]", i);
		lua_pop(e->L, 1);
	}
	return true;
}

static bool fail_at_key(struct encoder *e, int key)
{
	switch (lua_type(e->L, key)) {
	case LUA_TSTRING:
		return fail_in(e, "[\"%.40s\"]", lua_tostring(e->L, key));
	case LUA_TNUMBER:
		return fail_in(e, "[%.14g]", lua_tonumber(e->L, key));
	default:
		return fail_in(e, "[%s]", lua_toboolean(e->L, key) ? "true" : "false");
	}
}

/* With ALL false the keys that are no strings are skipped, as Emilua does. */
static bool put_map(struct encoder *e, int table, size_t length, bool all, int depth)
{
	lua_State *L = e->L;
	e->cost.maps++;
	if (!put_head(e, CBOR_MAP, length, 0))
		return false;
	for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
		int value = lua_gettop(L), key = value - 1;
		bool known = true;
		if (!all && lua_type(L, key) != LUA_TSTRING)
			continue;
		e->cost.entries++;
		if (!put_scalar(e, key, &known))
			return known ? false
			             : fail(e, EINVAL, "a %s cannot be a key",
			                    luaL_typename(L, key));
		if (!put_item(e, value, depth + 1))
			return fail_at_key(e, key);
	}
	return true;
}

struct shape {
	size_t keys, strings;
	double highest; /* positive integer key, INFINITY if there are other numbers or types */
};

static struct shape shape_of(lua_State *L, int table)
{
	struct shape shape = {0};
	for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
		shape.keys++;
		double key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
		if (lua_type(L, -2) == LUA_TSTRING)
			shape.strings++;
		else if (key < 1 || key != floor(key))
			shape.highest = INFINITY;
		else if (key > shape.highest)
			shape.highest = key;
	}
	return shape;
}

static bool put_table(struct encoder *e, int table, int depth)
{
	if (depth == INITSCRIPT_MESSAGE_DEPTH)
		return fail(e, EINVAL, "nested deeper than %d levels", INITSCRIPT_MESSAGE_DEPTH);
	enum initscript_mark mark = initscript_message_mark(e->L, table);
	if (mark == INITSCRIPT_MARK_FOREIGN)
		return fail(e, EINVAL, "a table with a metatable cannot be sent");
	if (mark == INITSCRIPT_MARK_ARRAY)
		return put_array(e, table, lua_objlen(e->L, table), depth);
	struct shape shape = shape_of(e->L, table);
	if (mark == INITSCRIPT_MARK_MAP)
		return put_map(e, table, shape.keys, true, depth);
	if (shape.strings > 0)
		return put_map(e, table, shape.strings, false, depth);
	if (shape.keys > 0 && shape.highest == shape.keys)
		return put_array(e, table, shape.keys, depth);
	return fail(e, EINVAL,
	            shape.keys ? "a table with neither string keys nor the keys 1 to n "
	                         "cannot be sent without message.map"
	                       : "an empty table cannot be sent without message.array "
	                         "or message.map");
}

/* Encodes a value that has DEPTH tables around it. On failure the Lua stack is left as it is. */
static bool put_item(struct encoder *e, int index, int depth)
{
	bool known;
	bool put = put_scalar(e, index, &known);
	if (known)
		return put;
	switch (lua_type(e->L, index)) {
	case LUA_TTABLE:
		return put_table(e, index, depth);
	case LUA_TUSERDATA:
		return put_userdata(e, index);
	case INITSCRIPT_LUA_TCDATA:
		return put_cdata(e, index);
	default:
		return fail(e, EINVAL, "a %s cannot be sent", luaL_typename(e->L, index));
	}
}

/* Puts the body into a memfd, which becomes the first descriptor. */
static bool move_to_memfd(struct encoder *e, size_t header)
{
	int memfd = initscript_sealed_memfd("initscript message", e->bytes + header,
	                                    e->length - header);
	if (memfd < 0)
		return fail(e, errno, "memfd");
	e->own[e->own_count++] = memfd;
	memmove(e->fds + 1, e->fds, e->fd_count * sizeof *e->fds);
	e->fds[0] = memfd;
	e->fd_count++;
	e->length = header;
	return true;
}

static bool encode(struct encoder *e, int index)
{
	struct initscript_message_header header = {.version = INITSCRIPT_MESSAGE_VERSION};
	if (!reserve(e, 256))
		return false;
	e->length = sizeof header;
	if (!put_item(e, index, 0))
		return false;
	header.length = e->length - sizeof header;
	if (header.length > INITSCRIPT_MESSAGE_INLINE) {
		if (!move_to_memfd(e, sizeof header))
			return false;
		header.flags = INITSCRIPT_MESSAGE_IN_MEMFD;
	}
	header.descriptors = e->fd_count;
	memcpy(e->bytes, &header, sizeof header);
	return true;
}

/* Waits without trusting O_NONBLOCK, which everybody with a duplicate of the socket can change. */
static bool transmit(struct encoder *e, int socket)
{
	union initscript_control control;
	struct iovec data = {.iov_base = e->bytes, .iov_len = e->length};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	initscript_put_rights(&message, &control, e->fds, e->fd_count);
	while (sendmsg(socket, &message, INITSCRIPT_SEND_FLAGS | MSG_DONTWAIT) < 0) {
		struct pollfd room = {.fd = socket, .events = POLLOUT};
		/* EAGAIN: the queue of the receiver is full. */
		if (errno == EAGAIN && poll(&room, 1, -1) >= 0)
			continue;
		/* ECONNRESET: it has left messages unread. ECONNREFUSED, ENOTCONN: a socket that
		 * somebody else has made, without a peer. */
		if (errno == ECONNRESET || errno == ECONNREFUSED || errno == ENOTCONN)
			return fail(e, EPIPE, "the receiver is gone");
		else if (errno != EINTR)
			return fail(e, errno, "sendmsg");
	}
	return true;
}

static noreturn void raise_failure(lua_State *L, const struct encoder *e)
{
	/* Those two are about the value that was to be sent. */
	int argument = e->error == EINVAL || e->error == EBUSY ? 2 : 0;
	if (e->path[0])
		initscript_lua_raise_errno(L, e->error, argument, "send: message%s: %s", e->path,
		                           e->what);
	initscript_lua_raise_errno(L, e->error, argument, "send: %s", e->what);
}

void initscript_message_send(lua_State *L, int index, int socket)
{
	struct encoder e = {.L = L};
	luaL_checkstack(L, 4 * INITSCRIPT_MESSAGE_DEPTH + 8, "message");
	bool sent = encode(&e, index) && transmit(&e, socket);
	for (size_t i = 0; i < e.own_count; i++)
		close(e.own[i]);
	free(e.bytes);
	if (!sent)
		raise_failure(L, &e);
}
