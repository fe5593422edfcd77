/*
 * The object inbox of Lua programs. Senders are not trusted: a malformed message ends the source
 * that it came through, and no other.
 */
#include "lua_error.h"
#include "lua_objects.h"

#include <errno.h>
#include <lauxlib.h>

/* Returns the index of a source that has something, beginning with the one whose turn it is. */
static size_t await(lua_State *L, struct initscript_inbox *inbox)
{
	for (;;) {
		if (poll(inbox->sources, inbox->count, -1) < 0) {
			if (errno == EINTR)
				continue;
			/* EINVAL: RLIMIT_NOFILE is lower than the number of sources. */
			initscript_lua_raise_errno(L, errno, 0, "receive: poll");
		}
		for (size_t i = 0; i < inbox->count; i++) {
			size_t index = (inbox->turn + i) % inbox->count;
			if (inbox->sources[index].revents) {
				inbox->turn = index + 1;
				return index;
			}
		}
	}
}

void initscript_inbox_check_idle(lua_State *L, const struct initscript_inbox *inbox)
{
	if (inbox->busy)
		initscript_lua_raise_errno(L, EBUSY, 1, "a message is being received");
}

/* Returns a value, which is never nil, or nothing for a message that is malformed after all. */
static int decode(lua_State *L)
{
	struct initscript_packet *packet = lua_touserdata(L, 1);
	luaL_checkstack(L, 4 * INITSCRIPT_MESSAGE_DEPTH + 8, "message");
	return initscript_message_push(L, packet) ? 1 : 0;
}

/* Leaves a value, nil or an error value above DECODER, which is the function above, on the stack.
 */
static int make_value(lua_State *L, struct initscript_inbox *inbox, int decoder)
{
	lua_settop(L, decoder);
	lua_pushvalue(L, decoder);
	lua_pushlightuserdata(L, inbox->packet);
	inbox->busy = true;
	int status = lua_pcall(L, 1, 1, 0);
	inbox->busy = false;
	return status;
}

/* The value is made first, and the descriptors are taken when nothing can go wrong any more: what
 * is not wanted never gets into our table. From here on nothing may raise an error while there is
 * something to free. */
static enum initscript_received receive_value(lua_State *L, struct initscript_inbox *inbox,
                                              int socket, int decoder, int *status)
{
	struct initscript_packet *packet = inbox->packet;
	enum initscript_received received = initscript_packet_look(packet, socket);
	while (received == INITSCRIPT_RECEIVED || received == INITSCRIPT_ANOTHER) {
		if (!initscript_message_check(packet))
			return INITSCRIPT_SOURCE_ENDS;
		*status = make_value(L, inbox, decoder);
		if (*status != 0) {
			/* Dropping it unread could wait; what is taken is closed aside. */
			initscript_packet_take(packet, socket);
			return INITSCRIPT_RECEIVED;
		}
		if (lua_isnil(L, decoder + 1))
			return INITSCRIPT_SOURCE_ENDS;
		received = initscript_packet_take(packet, socket);
		if (received == INITSCRIPT_RECEIVED) {
			initscript_packet_place(packet);
			return INITSCRIPT_RECEIVED;
		}
	}
	return received;
}

/* Returns whether a value was pushed. */
static bool receive_from(lua_State *L, struct initscript_inbox *inbox, size_t index, int decoder)
{
	int status = 0;
	enum initscript_received received =
	        receive_value(L, inbox, inbox->sources[index].fd, decoder, &status);
	initscript_packet_clear(inbox->packet);
	if (status != 0)
		lua_error(L); /* there was too little memory, or a finalizer failed */
	if (received == INITSCRIPT_SOURCE_ENDS)
		initscript_inbox_remove(inbox, index);
	return received == INITSCRIPT_RECEIVED;
}

int initscript_inbox_receive(lua_State *L, struct initscript_inbox *inbox)
{
	initscript_inbox_check_idle(L, inbox);
	lua_pushcfunction(L, decode);
	int decoder = lua_gettop(L);
	if (!inbox->packet)
		inbox->packet = initscript_packet_new();
	if (!inbox->packet)
		initscript_lua_raise_errno(L, ENOMEM, 0, "receive");
	while (inbox->count > 0)
		if (receive_from(L, inbox, await(L, inbox), decoder))
			return 1;
	initscript_lua_raise(L, INITSCRIPT_NO_SENDERS,
	                     "Broadcast the address before attempting to receive on it");
}

static struct initscript_inbox *check_inbox(lua_State *L)
{
	struct initscript_inbox *inbox = initscript_lua_to_inbox(L, 1);
	if (!inbox)
		initscript_lua_raise_errno(L, EINVAL, 1, "bad argument #1: inbox expected, got %s",
		                           luaL_typename(L, 1));
	return inbox;
}

static int inbox_receive(lua_State *L)
{
	return initscript_inbox_receive(L, check_inbox(L));
}

static int inbox_close(lua_State *L)
{
	struct initscript_inbox *inbox = check_inbox(L);
	initscript_inbox_check_idle(L, inbox);
	initscript_inbox_close(inbox);
	return 0;
}

static const luaL_Reg methods[] = {
        {"receive", inbox_receive},
        {"close", inbox_close},
        {NULL, NULL},
};

static int inbox_index(lua_State *L)
{
	lua_settop(L, 2);
	lua_rawget(L, lua_upvalueindex(1));
	if (lua_isnil(L, -1))
		initscript_lua_raise(L, INITSCRIPT_BAD_INDEX,
		                     "an inbox has receive and close only");
	return 1;
}

void initscript_lua_open_inbox_type(lua_State *L)
{
	luaL_newmetatable(L, INITSCRIPT_LUA_INBOX);
	lua_newtable(L);
	luaL_register(L, NULL, methods);
	lua_pushcclosure(L, inbox_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, inbox_close);
	lua_setfield(L, -2, "__gc");
	lua_pushliteral(L, "inbox");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}
