/*
 * Calls of scripts for capabilities and securebits. What they change holds for every thread that
 * the operations of the script reach; a text that libcap does not know ends the process.
 */
#include "api.h"

#include <errno.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A text that libcap does not understand ends the process whatever errexit says: the script
 * would otherwise go on with rights that it meant to give up.
 *
 * libcap reads the texts only. Its calls that change something would, in a program that links
 * libpsx, look for other threads in /proc, which a script may have replaced. */

/* The sets as the kernel takes them. */
static void encode(cap_t capabilities, struct __user_cap_data_struct sets[2])
{
	const cap_flag_t flags[] = {CAP_EFFECTIVE, CAP_PERMITTED, CAP_INHERITABLE};
	for (cap_value_t c = 0; c < 64; c++) {
		uint32_t *const words[] = {&sets[c / 32].effective, &sets[c / 32].permitted,
		                           &sets[c / 32].inheritable};
		for (int i = 0; i < 3; i++) {
			cap_flag_value_t value;
			if (cap_get_flag(capabilities, c, flags[i], &value) == 0 &&
			    value == CAP_SET)
				*words[i] |= UINT32_C(1) << c % 32;
		}
	}
}

static int l_cap_set_proc(lua_State *L)
{
	const char *text = luaL_checkstring(L, 1);
	cap_t capabilities = cap_from_text(text);
	if (!capabilities)
		initscript_die(L, "cap_set_proc", errno);
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {0};
	encode(capabilities, sets);
	cap_free(capabilities);
	return initscript_result(
	        L, "cap_set_proc",
	        initscript_change(L, SYS_capset, (long)&header, (long)sets, 0, 0, 0));
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
	return initscript_result(
	        L, "cap_drop_bound",
	        initscript_change(L, SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0));
}

static int l_cap_set_ambient(lua_State *L)
{
	cap_value_t capability = capability_named(L, 1, "cap_set_ambient");
	luaL_checktype(L, 2, LUA_TBOOLEAN);
	int action = lua_toboolean(L, 2) ? PR_CAP_AMBIENT_RAISE : PR_CAP_AMBIENT_LOWER;
	return initscript_result(
	        L, "cap_set_ambient",
	        initscript_change(L, SYS_prctl, PR_CAP_AMBIENT, action, capability, 0, 0));
}

static int l_cap_reset_ambient(lua_State *L)
{
	return initscript_result(
	        L, "cap_reset_ambient",
	        initscript_change(L, SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
}

static int l_cap_set_secbits(lua_State *L)
{
	unsigned bits = initscript_integer(L, 1);
	return initscript_result(L, "cap_set_secbits",
	                         initscript_change(L, SYS_prctl, PR_SET_SECUREBITS, bits, 0, 0, 0));
}

const struct initscript_function initscript_capability_functions[] = {
        {"cap_set_proc", l_cap_set_proc},       {"cap_drop_bound", l_cap_drop_bound},
        {"cap_set_ambient", l_cap_set_ambient}, {"cap_reset_ambient", l_cap_reset_ambient},
        {"cap_set_secbits", l_cap_set_secbits}, {NULL, NULL},
};
