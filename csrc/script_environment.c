/*
 * The Lua environment of a script: made in the fork server, run in a child, or in a program that
 * confines itself. After initscript_script_close() all finalizers have run and nothing of the
 * script's memory is mapped.
 */
#include "script_environment.h"

#include "api.h"
#include "tell_report.h"
#include "tell_trace.h"

#include <errno.h>
#include <luajit.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

static void *allocate(void *user_data, void *block, size_t old_size, size_t new_size)
{
	struct initscript_script *script = user_data;
	if (new_size == 0) {
		/* When it closes the arena goes as a whole: do not touch its pages once more. */
		if (script->closing)
			return NULL;
		initscript_arena_free(&script->arena, block, old_size);
		return NULL;
	}
	void *moved = initscript_arena_resize(&script->arena, block, old_size, new_size);
	if (!moved && script->L)
		initscript_arena_exhausted(script->L);
	return moved;
}

/* __index of the table C. Upvalue 1 maps names to numbers (constants) and to light userdata
 * (functions). A function is a new object at each access, as in Emilua. */
static int index_C(lua_State *L)
{
	if (lua_type(L, 2) != LUA_TSTRING)
		return luaL_error(L, "key not found");
	lua_settop(L, 2);
	lua_rawget(L, lua_upvalueindex(1));
	switch (lua_type(L, -1)) {
	case LUA_TNUMBER:
		return 1;
	case LUA_TLIGHTUSERDATA: {
		const struct initscript_function *f = lua_touserdata(L, -1);
		initscript_trace_push(L, f);
		return 1;
	}
	default:
		return luaL_error(L, "key not found");
	}
}

static void push_C(lua_State *L)
{
	lua_newtable(L);
	lua_newtable(L);
	lua_newtable(L);
	for (const struct initscript_constant *c = initscript_constants; c->name; c++) {
		lua_pushnumber(L, c->value);
		lua_setfield(L, -2, c->name);
	}
	for (size_t i = 0; initscript_families[i]; i++) {
		for (const struct initscript_function *f = initscript_families[i]; f->name; f++) {
			lua_pushlightuserdata(L, (void *)f);
			lua_setfield(L, -2, f->name);
		}
	}
	lua_pushcclosure(L, index_C, 1);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
}

static void set_helpers(lua_State *L)
{
	for (const struct initscript_function *f = initscript_helpers; f->name; f++) {
		initscript_trace_push(L, f);
		lua_setglobal(L, f->name);
	}
}

static int prepare(lua_State *L)
{
	luaL_openlibs(L);
	/* Nothing both writable and executable is mapped while a filter may bite. */
	luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
	set_helpers(L);
	push_C(L);
	lua_setglobal(L, "C");
	lua_pushboolean(L, 1);
	lua_setglobal(L, "errexit");
	return 0;
}

lua_State *initscript_script_open(struct initscript_script *script)
{
	lua_State *L = lua_newstate(allocate, script);
	if (L && lua_cpcall(L, prepare, NULL) != 0) {
		lua_close(L);
		L = NULL;
	}
	script->L = L;
	if (L)
		lua_gc(L, LUA_GCCOLLECT, 0); /* no child need collect what is left from here */
	return L;
}

bool initscript_script_trace(struct initscript_script *script, int memfd)
{
	if (!initscript_trace_open(script, memfd))
		return false;
	set_helpers(script->L); /* those from before are not traced */
	return true;
}

void initscript_script_close(struct initscript_script *script)
{
	script->closing = true;
	lua_close(script->L);
	script->L = NULL;
	script->closing = false;
	initscript_trace_close(script);
	initscript_arena_wipe(&script->arena);
}

/* Message handler: makes a text of any error value, and notes where it was raised. */
static int describe_error(lua_State *L)
{
	lua_pushinteger(L, initscript_script_line(L));
	lua_setfield(L, LUA_REGISTRYINDEX, "initscript.line");
	luaL_traceback(L, L, NULL, 1);
	lua_setfield(L, LUA_REGISTRYINDEX, "initscript.traceback");
	if (luaL_callmeta(L, 1, "__tostring") && lua_isstring(L, -1))
		return 1;
	if (!lua_isstring(L, 1))
		lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
	else
		lua_pushvalue(L, 1);
	return 1;
}

static bool fail_to_load(struct initscript_script *script)
{
	const char *message = lua_tostring(script->L, -1);
	initscript_report_strings(script->start_socket, INITSCRIPT_LOAD_FAILED, 0, 0, &message, 1);
	fprintf(stderr, "Failed to load Lua chunk: %s\n", message);
	return false;
}

static bool fail_to_run(struct initscript_script *script)
{
	const char *message = lua_tostring(script->L, -1);
	lua_getfield(script->L, LUA_REGISTRYINDEX, "initscript.traceback");
	const char *fields[] = {message, lua_tostring(script->L, -1)};
	lua_getfield(script->L, LUA_REGISTRYINDEX, "initscript.line");
	int line = lua_tointeger(script->L, -1);
	initscript_report_strings(script->start_socket, INITSCRIPT_SCRIPT_FAILED, 0, line, fields,
	                          2);
	fprintf(stderr, "<3>ipc_actor/init/script: %s\n", message);
	return false;
}

bool initscript_script_run(struct initscript_script *script, const char *name, const char *text,
                           size_t length)
{
	lua_State *L = script->L;
	script->name = name;
	lua_pushcfunction(L, describe_error);
	const char *chunk_name = lua_pushfstring(L, "@%s", name);
	if (luaL_loadbufferx(L, text, length, chunk_name, "t") != 0)
		return fail_to_load(script);
	if (lua_pcall(L, 0, 0, 1) != 0)
		return fail_to_run(script);
	return true;
}
