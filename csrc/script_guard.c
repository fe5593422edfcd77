/*
 * Keeps what guards a child in force while its script runs. Calls that have succeeded, those that
 * install a filter or execute a program, and the child itself call it. When it returns the guard
 * holds as far as the kernel lets it; otherwise the host has been told, and the process has ended.
 */
#include "script_guard.h"

#include "script.h"
#include "tell_report.h"

#include <lauxlib.h>
#include <stddef.h>
#include <string.h>

bool initscript_guard_is_filtered(const struct initscript_guard *guard)
{
	return guard->filtered || guard->has_natives;
}

static void check(const struct initscript_script *script, const char *failed)
{
	if (failed)
		initscript_fail_setup(script, failed);
}

static void die_with_server(const struct initscript_script *script)
{
	const struct initscript_guard *guard = script->guard;
	check(script, initscript_die_with_server(&guard->server, guard->sees_server,
	                                         initscript_guard_is_filtered(guard)));
}

/* Before there is a process to close it to: nobody finds it open. */
static void close_to_others(const struct initscript_script *script)
{
	struct initscript_guard *guard = script->guard;
	if (!guard->lives_on)
		return;
	/* The second time it is not as the script has left it, and the kernel may since have taken
	 * away what the actor would get back. */
	guard->was_dumpable = guard->is_actor && !guard->filtered && initscript_is_dumpable();
	check(script, initscript_become_undumpable(initscript_guard_is_filtered(guard)));
}

void initscript_guard_after_call(lua_State *L, const char *name)
{
	const struct initscript_script *script = initscript_script_of(L);
	if (!script->guard)
		return;
	switch (initscript_effect_on_guard(L, name)) {
	case INITSCRIPT_NO_EFFECT:
		break;
	case INITSCRIPT_CLEARS_GUARD:
		die_with_server(script);
		if (script->guard->filtered)
			close_to_others(script);
		break;
	case INITSCRIPT_CHANGES_GUARD:
		script->guard->sealed = false;
	}
}

static bool is_in_force(const struct initscript_guard *guard)
{
	return guard->sealed && !guard->has_natives;
}

static void renew(const struct initscript_script *script)
{
	if (is_in_force(script->guard))
		return;
	die_with_server(script);
	close_to_others(script);
}

void initscript_guard_before_filter(lua_State *L)
{
	const struct initscript_script *script = initscript_script_of(L);
	if (!script->guard)
		return;
	initscript_guard_note_natives(L);
	renew(script);
	script->guard->filtered = script->guard->sealed = true;
}

void initscript_guard_before_exec(lua_State *L)
{
	const struct initscript_script *script = initscript_script_of(L);
	if (!script->guard)
		return;
	initscript_guard_note_natives(L);
	if (!is_in_force(script->guard))
		die_with_server(script);
}

static bool is_loaded(lua_State *L, const char *module)
{
	bool loaded = false;
	lua_pushliteral(L, "_LOADED");
	lua_rawget(L, LUA_REGISTRYINDEX);
	if (lua_istable(L, -1)) {
		lua_pushstring(L, module);
		lua_rawget(L, -2);
		loaded = !lua_isnil(L, -1);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return loaded;
}

/* Libraries that package.loadlib() or require() has opened are in the registry. */
static bool has_libraries(lua_State *L)
{
	static const char prefix[] = "LOADLIB: ";
	for (lua_pushnil(L); lua_next(L, LUA_REGISTRYINDEX); lua_pop(L, 1)) {
		if (lua_type(L, -2) == LUA_TSTRING &&
		    strncmp(lua_tostring(L, -2), prefix, sizeof prefix - 1) == 0) {
			lua_pop(L, 2);
			return true;
		}
	}
	return false;
}

void initscript_guard_note_natives(lua_State *L)
{
	initscript_script_of(L)->guard->has_natives |= is_loaded(L, "ffi") || has_libraries(L);
}

void initscript_guard_before_program(const struct initscript_script *script)
{
	renew(script);
}
