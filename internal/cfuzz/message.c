/*
 * A target for libFuzzer: a packet becomes a Lua value, or is refused. tools/fuzz builds and runs
 * it.
 *
 * Input: how many descriptors came; eight bits that say in turn which are sockets for channels; the
 * header; the body, which is in a memfd if the header says so.
 */
#include "message.h"
#include "lua_objects.h"
#include "util_memfd.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of csrc/sys_process_linux.c, for channels that supervise a process. There is none here. */
int initscript_signal_process(int process, int signal)
{
	(void)process;
	(void)signal;
	return -1;
}

static size_t used, peak;

static void *allocate(void *user_data, void *block, size_t old_size, size_t new_size)
{
	(void)user_data;
	used += new_size - (block ? old_size : 0);
	if (used > peak)
		peak = used;
	if (new_size > 0)
		return realloc(block, new_size);
	free(block);
	return NULL;
}

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void describe(struct initscript_packet *packet, uint8_t count, uint8_t channels)
{
	packet->examined.count = packet->fd_count = count;
	for (size_t i = 0; i < INITSCRIPT_MAX_FDS; i++) {
		packet->examined.is_channel[i] = channels >> i % 8 & 1;
		packet->fds[i] = -1;
	}
}

/* False if there is no header. */
static bool fill(struct initscript_packet *packet, const uint8_t *bytes, size_t size)
{
	size_t header = sizeof packet->header;
	if (size < 2 + header || size > sizeof packet->bytes)
		return false;
	describe(packet, bytes[0] % (INITSCRIPT_MAX_FDS + 1), bytes[1]);
	bytes += 2;
	size -= 2;
	memcpy(packet->bytes, bytes, size);
	packet->length = size;
	packet->taken = true;
	if (packet->header.flags & INITSCRIPT_MESSAGE_IN_MEMFD) {
		packet->length = header;
		packet->memfd = initscript_sealed_memfd("fuzz", bytes + header, size - header);
		packet->examined.seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
		packet->examined.size = size - header;
		memset(packet->bytes + header, 0xff, size - header);
	}
	return true;
}

static bool is_good(struct initscript_packet *packet)
{
	return initscript_message_check_header(packet, packet->fd_count > 0) &&
	       initscript_message_check_descriptors(packet) && initscript_message_check(packet);
}

static int push(lua_State *L)
{
	luaL_checkstack(L, 4 * INITSCRIPT_MESSAGE_DEPTH + 8, "message");
	return initscript_message_push(L, lua_touserdata(L, 1));
}

static int send_again(lua_State *L)
{
	int pair[2];
	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	initscript_message_send(L, 1, pair[0]);
	close(pair[0]);
	close(pair[1]);
	return 0;
}

/* What was received can be sent, but for files, which are not there. */
static void make_value(lua_State *L, struct initscript_packet *packet)
{
	size_t files = packet->fd_count - (packet->header.flags & INITSCRIPT_MESSAGE_IN_MEMFD);
	lua_pushcfunction(L, push);
	lua_pushlightuserdata(L, packet);
	check(lua_pcall(L, 1, 1, 0) == 0);
	if (lua_isnil(L, -1))
		return;
	initscript_packet_place(packet);
	if (files > 0)
		return;
	lua_pushcfunction(L, send_again);
	lua_insert(L, -2);
	check(lua_pcall(L, 1, 0, 0) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct initscript_packet *packet = initscript_packet_new();
	check(packet != NULL);
	if (fill(packet, bytes, size) && is_good(packet)) {
		lua_State *L = lua_newstate(allocate, NULL);
		check(L != NULL);
		luaL_openlibs(L);
		initscript_lua_open_objects(L);
		size_t before = peak = used;
		make_value(L, packet);
		check(peak - before <= INITSCRIPT_MESSAGE_LIMIT);
		lua_close(L);
		check(used == 0);
	}
	initscript_packet_clear(packet);
	free(packet);
	return 0;
}
