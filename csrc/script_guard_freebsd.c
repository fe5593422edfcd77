/*
 * Which calls of scripts affect the guard in FreeBSD: none.
 */
#include "script_guard.h"

/* Only execve(2) of a set-user-ID program takes anything away. */
enum initscript_effect initscript_effect_on_guard(lua_State *L, const char *name)
{
	(void)L, (void)name;
	return INITSCRIPT_NO_EFFECT;
}
