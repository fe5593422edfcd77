/*
 * The call keyctl of scripts, for operations whose arguments are integers, and to join a session
 * keyring.
 */
#include "api.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The operations a script can use, beside KEYCTL_JOIN_SESSION_KEYRING: their arguments are
 * integers, and what they tell is the return value. Others take pointers. */
static const struct operation {
	int number, count;
	struct {
		int64_t min, max;
	} arguments[2];
} operations[] = {
#define KEY                                                                                        \
	{                                                                                          \
		INT32_MIN, INT32_MAX                                                               \
	}
        {KEYCTL_GET_KEYRING_ID, 2, {KEY, {0, 1}}},
        {KEYCTL_REVOKE, 1, {KEY}},
        {KEYCTL_SETPERM, 2, {KEY, {0, 0x3f3f3f3f}}},
        {KEYCTL_CLEAR, 1, {KEY}},
        {KEYCTL_LINK, 2, {KEY, KEY}},
        {KEYCTL_UNLINK, 2, {KEY, KEY}},
        {KEYCTL_SET_TIMEOUT, 2, {KEY, {0, UINT32_MAX}}},
        {KEYCTL_INVALIDATE, 1, {KEY}},
#undef KEY
};

static const struct operation *find_operation(int number)
{
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (operations[i].number == number)
			return &operations[i];
	return NULL;
}

/* Raises an error if there is more than nil or 0 behind argument COUNT. */
static void check_rest(lua_State *L, int count)
{
	for (int arg = count + 1; arg <= 5; arg++)
		if (!lua_isnoneornil(L, arg))
			initscript_exact(L, arg, 0, 0);
}

/* keyctl(2) with NAME; without one the kernel makes a keyring that nobody else can join. */
static int join_session_keyring(lua_State *L)
{
	const char *name = lua_isnoneornil(L, 2) ? NULL : initscript_exact_path(L, 2);
	check_rest(L, 2);
	return initscript_result(L, "keyctl",
	                         syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name));
}

static int l_keyctl(lua_State *L)
{
	int number = initscript_exact_int(L, 1);
	if (number == KEYCTL_JOIN_SESSION_KEYRING)
		return join_session_keyring(L);
	const struct operation *operation = find_operation(number);
	if (!operation) {
		errno = EINVAL;
		return initscript_result(L, "keyctl", -1);
	}
	long arguments[2] = {0};
	for (int i = 0; i < operation->count; i++)
		arguments[i] = initscript_exact(L, i + 2, operation->arguments[i].min,
		                                operation->arguments[i].max);
	check_rest(L, 1 + operation->count);
	return initscript_result(L, "keyctl",
	                         syscall(SYS_keyctl, number, arguments[0], arguments[1], 0, 0));
}

const struct initscript_function initscript_keyring_functions[] = {
        {"keyctl", l_keyctl},
        {NULL, NULL},
};
