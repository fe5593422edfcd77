/*
 * Calls of scripts for jails. The parameters that jail(3) has allocated are freed on every way out
 * but the end of the process.
 */
#include "api.h"
#include "api_libjail.h"

#include <errno.h>

static int l_jail_attach(lua_State *L)
{
	int jid = initscript_integer(L, 1);
	return initscript_result(L, "jail_attach", initscript_libjail.attach(jid));
}

static const struct initscript_flag jail_flags[] = {
        {"create", JAIL_CREATE},
        {"update", JAIL_UPDATE},
        {"attach", JAIL_ATTACH},
        {"dying", JAIL_DYING},
        {NULL, 0},
};

/* A script that is not understood must not go on outside of its jail, whatever errexit says. */
static noreturn void die_of_shape(lua_State *L)
{
	lua_settop(L, 2);
	initscript_die(L, "jail_set", EINVAL);
}

static unsigned count_params(lua_State *L)
{
	unsigned count = 0;
	if (!lua_istable(L, 1))
		die_of_shape(L);
	for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1))
		count++;
	return count;
}

/* The text for jailparam_import() of the value on top of the stack. */
static const char *read_value(lua_State *L)
{
	switch (lua_type(L, -1)) {
	case LUA_TSTRING:
		return lua_tostring(L, -1);
	case LUA_TBOOLEAN:
		return lua_toboolean(L, -1) ? "true" : "false";
	default:
		die_of_shape(L);
	}
}

/* False with errno set if libjail does not know the parameter or refuses the value. */
static bool import_param(struct jailparam *param, const char *name, const char *value)
{
	if (initscript_libjail.init(param, name) == -1)
		return false;
	if (initscript_libjail.import(param, value) == 0)
		return true;
	int error = errno;
	initscript_libjail.free(param, 1);
	errno = error;
	return false;
}

/* Returns how many parameters of the table in argument 1 could be imported, one after the other, up
 * to the first that could not; errno tells why. */
static unsigned import_params(lua_State *L, struct jailparam *params)
{
	unsigned count = 0;
	for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			die_of_shape(L);
		const char *value = read_value(L);
		if (!import_param(&params[count], lua_tostring(L, -2), value)) {
			lua_settop(L, 2);
			return count;
		}
		count++;
	}
	return count;
}

static int read_flags(lua_State *L)
{
	uint64_t flags = 0;
	if (!lua_isnil(L, 2) && !(lua_istable(L, 2) && initscript_flags(L, 2, jail_flags, &flags)))
		die_of_shape(L);
	return flags;
}

static int l_jail_set(lua_State *L)
{
	lua_settop(L, 2);
	const unsigned count = count_params(L);
	struct jailparam *params = initscript_acquire(L, count * sizeof *params);
	const unsigned imported = import_params(L, params);
	int jid = -1;
	if (imported == count)
		jid = initscript_libjail.set(params, count, read_flags(L));
	int error = errno;
	initscript_libjail.free(params, imported);
	initscript_release(L, params, count * sizeof *params);
	errno = error;
	return initscript_result(L, "jail_set", jid);
}

const struct initscript_function initscript_jail_functions[] = {
        {"jail_attach", l_jail_attach},
        {"jail_set", l_jail_set},
        {NULL, NULL},
};
