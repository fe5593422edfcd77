/*
 * An actor in Lua, from the end of its script to its own. The child calls it with the plan still
 * mapped. Nothing else of the plan is left when the module runs; the host is told of a failure,
 * and sees the status.
 */
#include "role_lua_actor.h"

#include "lua_objects.h"
#include "sys_process.h"
#include "tell_report.h"
#include "util_fds.h"
#include "util_stack.h"
#include "util_strings.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What is left of the plan. */
struct module {
	const struct initscript_lua_actor *actor;
	char *path, *source; /* a path, or a text; the other one is NULL */
	char *name;          /* of the text, as a chunk name */
	size_t source_length;
	struct {
		uint64_t used, limit;
	} memory;
};

static noreturn void fail_to_start(int start_socket, const char *message)
{
	fprintf(stderr, "Error starting the lua VM: %s\n", message);
	initscript_report_strings(start_socket, INITSCRIPT_ENTRY_FAILED, 0, 0, &message, 1);
	exit(1);
}

static void *copy(int start_socket, const void *bytes, size_t size)
{
	void *copied = initscript_copy(bytes, size);
	if (!copied)
		fail_to_start(start_socket, strerror(ENOMEM));
	return copied;
}

/* Nothing else of the plan stays in the process. */
static void leave_plan(struct module *module)
{
	const struct initscript_lua_actor *actor = module->actor;
	const char *base = actor->plan;
	const struct initscript_plan *plan = actor->plan;
	const char *envp = base + plan->envp, *name = base + plan->module_name;
	int start_socket = actor->start_socket;
	environ = initscript_strings(
	        copy(start_socket, envp, initscript_packed_size(envp, plan->envc)), plan->envc);
	if (!environ)
		fail_to_start(start_socket, strerror(ENOMEM));
	module->memory.limit = plan->module_memory_limit;
	module->source_length = plan->module_source_length;
	if (plan->module)
		module->path =
		        copy(start_socket, base + plan->module, strlen(base + plan->module) + 1);
	else
		module->source =
		        copy(start_socket, base + plan->module_source, module->source_length);
	module->name = copy(start_socket, name, strlen(name) + 1);
	initscript_wipe_below_gap();
	if (!initscript_report(start_socket, INITSCRIPT_SCRIPT_DONE, 0))
		_exit(1); /* the host would wait for it */
	munmap(actor->plan, actor->plan_size);
}

/* Refusing more is an error that Lua code can catch. */
static void *allocate(void *user_data, void *block, size_t old_size, size_t new_size)
{
	struct module *module = user_data;
	if (new_size == 0) {
		free(block);
		module->memory.used -= old_size;
		return NULL;
	}
	uint64_t used = module->memory.used - old_size + new_size;
	if (module->memory.limit && new_size > old_size && used > module->memory.limit)
		return NULL;
	void *moved = realloc(block, new_size);
	if (moved)
		module->memory.used = used;
	return moved;
}

static void push_extra_files(lua_State *L, unsigned count)
{
	lua_createtable(L, count, 0);
	for (unsigned i = 0; i < count; i++) {
		initscript_lua_push_fd(L)->fd = INITSCRIPT_EXTRA_FD + i;
		lua_rawseti(L, -2, i + 1);
	}
}

static int prepare(lua_State *L)
{
	const struct module *module = lua_touserdata(L, 1);
	luaL_openlibs(L);
	initscript_lua_open_objects(L);
	struct initscript_inbox *inbox = initscript_lua_push_inbox(L);
	lua_setglobal(L, "inbox");
	if (!initscript_inbox_add(inbox, INITSCRIPT_INBOX_FD))
		return luaL_error(L, "not enough memory");
	initscript_lua_push_channel(L)->fd = module->actor->parent_fd;
	lua_setglobal(L, "parent");
	push_extra_files(L, module->actor->extra_files);
	lua_setglobal(L, "extra_files");
	initscript_lua_push_unix(L);
	lua_setglobal(L, "unix");
	initscript_lua_push_message(L);
	lua_setglobal(L, "message");
	lua_pushliteral(L, "worker");
	lua_setglobal(L, "_CONTEXT");
	return 0;
}

/* Message handler: the text of any error value, and the traceback in the registry. */
static int describe_error(lua_State *L)
{
	luaL_traceback(L, L, NULL, 1);
	lua_setfield(L, LUA_REGISTRYINDEX, "initscript.traceback");
	if (luaL_callmeta(L, 1, "__tostring") && lua_isstring(L, -1))
		return 1;
	if (lua_isstring(L, 1))
		lua_pushvalue(L, 1);
	else
		lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
	return 1;
}

static const char *text_at_top(lua_State *L)
{
	const char *text = lua_tostring(L, -1);
	return text ? text : "(no message)";
}

static noreturn void fail_to_run(lua_State *L, int start_socket)
{
	const char *message = text_at_top(L);
	lua_getfield(L, LUA_REGISTRYINDEX, "initscript.traceback");
	const char *traceback = lua_isstring(L, -1) ? lua_tostring(L, -1) : "";
	const char *fields[] = {message, traceback};
	initscript_report_strings(start_socket, INITSCRIPT_ENTRY_FAILED, 0, 0, fields, 2);
	fflush(stdout);
	fprintf(stderr, "%s\n%s\n", message, traceback);
	exit(1);
}

static int load(lua_State *L, const struct module *module)
{
	if (module->source) {
		const char *name = lua_pushfstring(L, "@%s", module->name);
		return luaL_loadbufferx(L, module->source, module->source_length, name, "t");
	}
	if (!module->path[0]) {
		lua_pushliteral(L, "no module was given");
		return LUA_ERRFILE;
	}
	return luaL_loadfilex(L, module->path, "t");
}

void initscript_run_lua_actor(const struct initscript_lua_actor *actor)
{
	struct module module = {.actor = actor};
	leave_plan(&module);
	signal(SIGPIPE, SIG_IGN); /* as in Emilua: a write tells instead */
	lua_State *L = lua_newstate(allocate, &module);
	if (!L)
		fail_to_start(actor->start_socket, strerror(ENOMEM));
	if (lua_cpcall(L, prepare, &module) != 0)
		fail_to_start(actor->start_socket, text_at_top(L));
	lua_pushcfunction(L, describe_error);
	if (load(L, &module) != 0)
		fail_to_start(actor->start_socket, text_at_top(L));
	free(module.source);
	free(module.path);
	free(module.name);
	if (lua_pcall(L, 0, 0, 1) != 0)
		fail_to_run(L, actor->start_socket);
	lua_close(L);
	exit(0);
}
