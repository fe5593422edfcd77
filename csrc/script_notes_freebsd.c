/*
 * Nothing is collected: there are no hints on FreeBSD.
 */
#include "script_notes.h"

void initscript_note(lua_State *L, const char *name)
{
	(void)L, (void)name;
}

void initscript_explain_call(lua_State *L, const char *name, int error)
{
	(void)L, (void)name, (void)error;
}

void initscript_explain_program(int fd, const struct initscript_notes *notes, const char *path,
                                const char *interpreter)
{
	(void)fd, (void)notes, (void)path, (void)interpreter;
}
