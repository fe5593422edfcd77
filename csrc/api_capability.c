#include "api.h"

#include <errno.h>
#include <sys/capability.h>
#include <unistd.h>

/* A text that libcap does not understand ends the process whatever errexit says: the script
 * would otherwise go on with rights that it meant to give up. */

static long call3(long number, long a, long b, long c)
{
	return syscall(number, a, b, c);
}

static long call6(long number, long a, long b, long c, long d, long e, long f)
{
	return syscall(number, a, b, c, d, e, f);
}

void initscript_capabilities_of_this_thread(void)
{
	cap_set_syscall(call3, call6);
}

static int l_cap_set_proc(lua_State *L)
{
	const char *text = luaL_checkstring(L, 1);
	cap_t capabilities = cap_from_text(text);
	if (!capabilities)
		initscript_die(L, "cap_set_proc", errno);
	int result = cap_set_proc(capabilities);
	int error = errno;
	cap_free(capabilities);
	errno = error;
	return initscript_result(L, "cap_set_proc", result);
}

static cap_value_t capability_named(lua_State *L, int arg, const char *function)
{
	const char *name = luaL_checkstring(L, arg);
	cap_value_t value;
	errno = 0;
	if (cap_from_name(name, &value) == -1)
		initscript_die(L, function, errno ? errno : EINVAL); /* libcap may not set it */
	return value;
}

static int l_cap_drop_bound(lua_State *L)
{
	cap_value_t capability = capability_named(L, 1, "cap_drop_bound");
	return initscript_result(L, "cap_drop_bound", cap_drop_bound(capability));
}

static int l_cap_set_ambient(lua_State *L)
{
	cap_value_t capability = capability_named(L, 1, "cap_set_ambient");
	luaL_checktype(L, 2, LUA_TBOOLEAN);
	cap_flag_value_t value = lua_toboolean(L, 2) ? CAP_SET : CAP_CLEAR;
	return initscript_result(L, "cap_set_ambient", cap_set_ambient(capability, value));
}

static int l_cap_reset_ambient(lua_State *L)
{
	return initscript_result(L, "cap_reset_ambient", cap_reset_ambient());
}

static int l_cap_set_secbits(lua_State *L)
{
	unsigned bits = initscript_integer(L, 1);
	return initscript_result(L, "cap_set_secbits", cap_set_secbits(bits));
}

const struct initscript_function initscript_capability_functions[] = {
        {"cap_set_proc", l_cap_set_proc},       {"cap_drop_bound", l_cap_drop_bound},
        {"cap_set_ambient", l_cap_set_ambient}, {"cap_reset_ambient", l_cap_reset_ambient},
        {"cap_set_secbits", l_cap_set_secbits}, {NULL, NULL},
};
