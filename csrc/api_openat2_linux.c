/*
 * The calls openat2 and renameat2 of scripts. What openat2 does not know in its table is refused:
 * a misspelt field would leave a restriction out.
 */
#include "api.h"

#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A misspelt field would leave a restriction out. */
static void check_fields_of_how(lua_State *L)
{
	luaL_checktype(L, 3, LUA_TTABLE);
	for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1))
		if (!initscript_is_text(L, -2, "flags") && !initscript_is_text(L, -2, "mode") &&
		    !initscript_is_text(L, -2, "resolve"))
			luaL_error(L, "invalid open_how");
}

static int l_openat2(lua_State *L)
{
	int fd = initscript_exact_fd(L, 1);
	const char *path = initscript_exact_path(L, 2);
	check_fields_of_how(L);
	struct open_how how = {
	        .flags = initscript_exact_field(L, 3, "flags", "openat2/flags"),
	        .mode = initscript_exact_field(L, 3, "mode", "openat2/mode"),
	        .resolve = initscript_exact_field(L, 3, "resolve", "openat2/resolve"),
	};
	return initscript_result(L, "openat2", syscall(SYS_openat2, fd, path, &how, sizeof how));
}

static int l_renameat2(lua_State *L)
{
	int old_fd = initscript_exact_fd(L, 1);
	const char *old_path = initscript_exact_path(L, 2);
	int new_fd = initscript_exact_fd(L, 3);
	const char *new_path = initscript_exact_path(L, 4);
	unsigned flags = initscript_exact_flags(L, 5);
	return initscript_result(L, "renameat2",
	                         syscall(SYS_renameat2, old_fd, old_path, new_fd, new_path, flags));
}

const struct initscript_function initscript_openat2_functions[] = {
        {"openat2", l_openat2},
        {"renameat2", l_renameat2},
        {NULL, NULL},
};
