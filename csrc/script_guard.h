/*
 * What holds for a child from its birth until its program runs: it dies with its fork server, and
 * what lives on as PID 1 is closed to everybody else.
 *
 * The kernel forgets both when a process changes its credentials, and a seccomp filter of the
 * script can refuse to set them again. So they are renewed after calls of the script that may have
 * this effect, right before a filter is installed, and after the script. The last is left out
 * behind a filter if nothing can have taken them away since: no filter need allow the calls then.
 */
#ifndef INITSCRIPT_SCRIPT_GUARD_H
#define INITSCRIPT_SCRIPT_GUARD_H

#include "sys_process.h"

#include <lua.h>
#include <stdbool.h>

struct initscript_script;

struct initscript_guard {
	struct initscript_parent server;
	bool sees_server; /* by its number, for it is in no PID namespace of its own */
	pid_t pid;        /* of what lives on */
	bool lives_on;    /* as PID 1, while its program runs: initscript_forks_again() */
	bool is_actor;    /* so the program is this process's own, with what it has set */

	bool filtered;     /* the script has installed a filter, or tried to */
	bool sealed;       /* renewed before that, and not taken away since, as far as is seen */
	bool has_natives;  /* code that the script has loaded may have done anything, unseen */
	bool was_dumpable; /* an actor, before PID 1 became undumpable */
};

/* What a call of a script does to its guard. */
enum initscript_effect {
	INITSCRIPT_NO_EFFECT,
	INITSCRIPT_CLEARS_GUARD,  /* beside its purpose */
	INITSCRIPT_CHANGES_GUARD, /* as the script wants it, until its end */
};

/* That of the call NAME, whose arguments are at the bottom of the stack, if it succeeds. */
enum initscript_effect initscript_effect_on_guard(lua_State *L, const char *name);

/* The next three do nothing in a program that confines itself. In a child they, and
 * initscript_guard_before_program(), end it where the server has ended, and with a report where a
 * system call fails. */

/* To be called after the call NAME has succeeded. */
void initscript_guard_after_call(lua_State *L, const char *name);

/* To be called right before the script installs a filter. */
void initscript_guard_before_filter(lua_State *L);

/* To be called right before the script executes a program itself. */
void initscript_guard_before_exec(lua_State *L);

/* To be called after the script, before its Lua state is closed. */
void initscript_guard_note_natives(lua_State *L);

/* To be called when the Lua state is closed, and a program or an actor follows. */
void initscript_guard_before_program(const struct initscript_script *script);

/* Whether a system call may be refused, or only seem to be made. */
bool initscript_guard_is_filtered(const struct initscript_guard *guard);

#endif
