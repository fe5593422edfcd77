/*
 * Messages between actors: Lua values to packets and back. docs/channels.md is the account of the
 * format; the Go side of it is message_*.go.
 */
#ifndef INITSCRIPT_MESSAGE_H
#define INITSCRIPT_MESSAGE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct initscript_message_header {
	uint8_t version, flags;
	uint16_t descriptors;
	uint32_t length;
};

enum {
	INITSCRIPT_MESSAGE_VERSION = 1,
	INITSCRIPT_MESSAGE_IN_MEMFD = 1 << 0, /* flag */
	INITSCRIPT_MESSAGE_INLINE = 64 << 10, /* longer bodies go through a memfd */
	INITSCRIPT_MESSAGE_DEPTH = 32,
	INITSCRIPT_MESSAGE_FDS = 252,       /* files and channels */
	INITSCRIPT_MESSAGE_LIMIT = 64 << 20 /* cost of one message */
};

/* Major types of CBOR and values of the last one, RFC 8949 section 3. */
enum {
	CBOR_UINT,
	CBOR_NEGATIVE,
	CBOR_BYTES,
	CBOR_TEXT,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_TAG,
	CBOR_OTHER,

	CBOR_FALSE = 20,
	CBOR_TRUE = 21,
	CBOR_HALF = 25,
	CBOR_FLOAT = 26,
	CBOR_DOUBLE = 27,

	CBOR_TAG_FILE = 0x696e6974,
	CBOR_TAG_CHANNEL = 0x696e6975,
};

/* What decoding a message costs its receiver; both sides count alike. */
struct initscript_message_cost {
	uint64_t body, items, maps, entries, descriptors;
};
bool initscript_message_affordable(const struct initscript_message_cost *cost);

/* One received packet. */
struct initscript_packet {
	union {
		uint8_t bytes[sizeof(struct initscript_message_header) + INITSCRIPT_MESSAGE_INLINE];
		struct initscript_message_header header;
	};
	size_t length;
	int fds[INITSCRIPT_MESSAGE_FDS + 1]; /* -1: part of the value */
	size_t fd_count;
	uint8_t *memfd_body; /* NULL: the body follows the header */
};

enum initscript_received {
	INITSCRIPT_RECEIVED,
	INITSCRIPT_NOTHING_THERE,
	INITSCRIPT_SOURCE_ENDS, /* it is closed, broken, or its message malformed */
};

/* Receives a packet if one is there. Waits for nothing. */
enum initscript_received initscript_packet_receive(struct initscript_packet *packet, int socket);

/* Closes and frees what the packet still holds. */
void initscript_packet_clear(struct initscript_packet *packet);

/* Checks all that can be wrong but keys that occur twice, and reads a body in a memfd. False for a
 * malformed packet. */
bool initscript_message_check(struct initscript_packet *packet);

/* Pushes the value of a packet that was checked; its descriptors belong to the value then. False
 * if two keys of a map are the same in Lua. May raise for want of memory. */
bool initscript_message_push(lua_State *L, struct initscript_packet *packet);

/* Sends the value at INDEX through SOCKET, which is waited for. Raises EINVAL for argument 2 if it
 * cannot be sent, EBUSY for a closed descriptor in it, and what sendmsg(2) says. */
void initscript_message_send(lua_State *L, int index, int socket);

/* Prepares a state: the marks of arrays and maps. */
void initscript_message_open(lua_State *L);

/* Marks the table on the top of the stack, so that it is sent as an array or a map. */
void initscript_message_mark_array(lua_State *L);
void initscript_message_mark_map(lua_State *L);

/* How the table at INDEX is marked. */
enum initscript_mark {
	INITSCRIPT_MARK_NONE,
	INITSCRIPT_MARK_ARRAY,
	INITSCRIPT_MARK_MAP,
	INITSCRIPT_MARK_FOREIGN, /* it has some other metatable */
};
enum initscript_mark initscript_message_mark(lua_State *L, int index);

/* Integers of 64 bits that a Lua number cannot hold are cdata. */
enum { INITSCRIPT_LUA_TCDATA = 10 };
enum initscript_int64 { INITSCRIPT_NO_INT64, INITSCRIPT_INT64, INITSCRIPT_UINT64 };
enum initscript_int64 initscript_message_to_int64(lua_State *L, int index, uint64_t *bits);
void initscript_message_push_int64(lua_State *L, uint64_t bits, bool is_signed);

#endif
