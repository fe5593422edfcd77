/*
 * Messages between actors: Lua values to packets and back. docs/reference/channels.md is the
 * account of the format; the Go side is package mailbox.
 */
#ifndef INITSCRIPT_MESSAGE_H
#define INITSCRIPT_MESSAGE_H

#include "sys_examine.h"

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
	INITSCRIPT_MESSAGE_FDS = INITSCRIPT_MAX_FDS - 1, /* files and channels; one for the memfd */
	INITSCRIPT_MESSAGE_LIMIT = 64 << 20              /* cost of one message */
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

/* What parts of a message cost beside their bytes; mailbox/message.go says why. */
enum {
	INITSCRIPT_COST_OF_ITEM = 96,
	INITSCRIPT_COST_OF_MAP = 384,
	INITSCRIPT_COST_OF_ENTRY = 48,
	INITSCRIPT_COST_OF_DESCRIPTOR = 1024,
};

/* What decoding a message costs its receiver; both sides count alike. */
struct initscript_message_cost {
	uint64_t body, items, maps, entries, descriptors;
	uint64_t longest; /* string, which may have to be read as a whole before it is made */
};
bool initscript_message_affordable(const struct initscript_message_cost *cost);

/* One packet that is being received. It stays in the socket until it was found to be good, so that
 * the kernel drops the descriptors of one that is not. */
struct initscript_packet {
	union {
		uint8_t bytes[sizeof(struct initscript_message_header) + INITSCRIPT_MESSAGE_INLINE];
		struct initscript_message_header header;
	};
	uint8_t taken_bytes[sizeof(struct initscript_message_header) + INITSCRIPT_MESSAGE_INLINE];
	size_t length;
	struct initscript_examined examined; /* what its descriptors are */
	bool taken;                          /* the packet has left the socket */
	int fds[INITSCRIPT_MAX_FDS];         /* those of a taken packet; -1: part of the value */
	size_t fd_count;
	int memfd;          /* the body is in it, if the header says so; else -1 */
	uint8_t *long_text; /* of a body in a memfd, while a string is made of it */
	/* By index, without the memfd: where they belong in the objects of the value. */
	int *places[INITSCRIPT_MESSAGE_FDS];
};

enum initscript_received {
	INITSCRIPT_RECEIVED,
	INITSCRIPT_NOTHING_THERE,
	INITSCRIPT_SOURCE_ENDS, /* it is closed, broken, or its message malformed */
	INITSCRIPT_ANOTHER,     /* somebody else reads the socket, too */
};

/* Returns a packet, to be passed to free() after initscript_packet_clear(), or NULL. */
struct initscript_packet *initscript_packet_new(void);

/* Looks at the packet that is next in SOCKET, its header and its descriptors. It stays there, but
 * where no process can be made that looks at descriptors. Waits for nothing. */
enum initscript_received initscript_packet_look(struct initscript_packet *packet, int socket);

/* Takes the packet out of SOCKET with its descriptors. INITSCRIPT_ANOTHER: the next one was another
 * one, and it is in PACKET now, to be checked. */
enum initscript_received initscript_packet_take(struct initscript_packet *packet, int socket);

/* Puts the descriptors of a taken packet where they belong in the value that was pushed. */
void initscript_packet_place(struct initscript_packet *packet);

/* Closes and frees what the packet still holds. */
void initscript_packet_clear(struct initscript_packet *packet);

/* Checks the header against the number of bytes and, with HAS_RIGHTS false, of descriptors. */
bool initscript_message_check_header(const struct initscript_packet *packet, bool has_rights);

/* Checks that the descriptors are as many as the header says, and that the one at 0 is a memfd that
 * cannot change, if the body is in it. */
bool initscript_message_check_descriptors(const struct initscript_packet *packet);

/* Checks the body of a packet that has passed the above: all that can be wrong but keys that occur
 * twice. */
bool initscript_message_check(struct initscript_packet *packet);

/* Pushes the value of a packet that was checked. Its files and channels are closed until
 * initscript_packet_place(). False if two keys of a map are the same in Lua, or a memfd cannot be
 * read. May raise for want of memory. */
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
