/*
 * What Lua programs, hosts and actors alike, have of descriptors: the objects file_descriptor,
 * channel and inbox. Each owns its descriptors and closes them when it is collected.
 */
#ifndef INITSCRIPT_LUA_OBJECTS_H
#define INITSCRIPT_LUA_OBJECTS_H

#include "message.h"

#include <lua.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct initscript_lua_fd {
	int fd; /* -1: closed */
};

/* Sources of messages. All zero is an inbox without any. */
struct initscript_inbox {
	struct pollfd *sources;
	size_t count, capacity;
	size_t turn; /* the source that is looked at first: no source can starve another one */
	struct initscript_packet *packet;
	bool busy; /* the packet is being decoded, in the course of which finalizers may run */
};

struct initscript_channel {
	int fd;    /* -1: closed */
	int pidfd; /* of a supervised child, else -1 */
	pid_t pid;
	uint64_t child_id; /* what the host calls it, 0: not the channel of a child */
	struct initscript_inbox answers;
};

/* Makes the objects known to a state. To be called before anything else. */
void initscript_lua_open_objects(lua_State *L);

/* Parts of that. */
void initscript_lua_open_fd_type(lua_State *L);      /* lua_fd.c */
void initscript_lua_open_channel_type(lua_State *L); /* lua_channel.c */
void initscript_lua_open_inbox_type(lua_State *L);   /* lua_inbox.c */

/* The names of their metatables in the registry. */
#define INITSCRIPT_LUA_FD "initscript.file_descriptor"
#define INITSCRIPT_LUA_CHANNEL "initscript.channel"
#define INITSCRIPT_LUA_INBOX "initscript.inbox"

/* Argument ARG as bytes: a string. Raises EINVAL for anything else, a number too. */
const char *initscript_lua_check_bytes(lua_State *L, int arg, size_t *length);

/* Pushes a table of functions: unix.open, unix.pipe, unix.seqpacket_socket.pair. */
void initscript_lua_push_unix(lua_State *L);

/* Pushes a table of functions: message.array, message.map. */
void initscript_lua_push_message(lua_State *L);

/* Push a new closed object, for the caller to put descriptors into. */
struct initscript_lua_fd *initscript_lua_push_fd(lua_State *L);
struct initscript_channel *initscript_lua_push_channel(lua_State *L);
struct initscript_inbox *initscript_lua_push_inbox(lua_State *L);

/* The object at INDEX, or NULL if it is something else. */
struct initscript_lua_fd *initscript_lua_to_fd(lua_State *L, int index);
struct initscript_channel *initscript_lua_to_channel(lua_State *L, int index);
struct initscript_inbox *initscript_lua_to_inbox(lua_State *L, int index);

/* Argument 1 of a method of channels. Raises if it is something else. */
struct initscript_channel *initscript_lua_check_channel(lua_State *L);

/* Adds a method to all channels of this state, or replaces one. */
void initscript_lua_set_channel_method(lua_State *L, const char *name, lua_CFunction method);

/* Called, if set, when the channel of a child is collected. */
extern void (*initscript_channel_collected)(uint64_t child_id);

/* Takes over the receiving end of a SEQPACKET socket. False when memory ran out; it is closed
 * then. */
bool initscript_inbox_add(struct initscript_inbox *inbox, int socket);

/* Returns the sending end of a new socket pair whose other end becomes a source, or -1 with
 * errno. */
int initscript_inbox_address(struct initscript_inbox *inbox);

/* Closes a source. The order of the others stays, so each has its turn. */
void initscript_inbox_remove(struct initscript_inbox *inbox, size_t index);

/* Closes all sources. */
void initscript_inbox_close(struct initscript_inbox *inbox);

/* Raises EBUSY while a message is being decoded: then it can be neither closed nor read. */
void initscript_inbox_check_idle(lua_State *L, const struct initscript_inbox *inbox);

/* Waits for a message and pushes it. Raises no_senders when no source is left. */
int initscript_inbox_receive(lua_State *L, struct initscript_inbox *inbox);

#endif
