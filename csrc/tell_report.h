/*
 * Failures as data: what a child tells the host through its start socket (records of wire.h).
 * Nothing here fails loudly: where the host is gone there is nobody to tell.
 */
#ifndef INITSCRIPT_TELL_REPORT_H
#define INITSCRIPT_TELL_REPORT_H

#include "wire.h"

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>

struct initscript_script;

/* Sends a record of KIND without fields on FD. False if that failed: the host is gone, or a filter
 * of the script forbids sendto(2). */
bool initscript_report(int fd, enum initscript_record_kind kind, int error);

/* The same with COUNT strings as fields; a NULL string counts as "". */
bool initscript_report_strings(int fd, enum initscript_record_kind kind, int error, int line,
                               const char *const *strings, size_t count);

/* Tells that the call NAME failed with ERROR. The call's arguments are taken from the bottom of
 * the Lua stack, line and traceback from the running function's caller. */
void initscript_report_call(lua_State *L, const char *name, int error);

/* Tells what may explain the failure that is told next. */
bool initscript_report_explanation(int fd, const struct initscript_notes *notes,
                                   const struct initscript_seen_path *paths, size_t count,
                                   const char *text);

/* Tells that CALL, a system call of the launcher, failed with errno, and ends the process with
 * status
 * 1. If the script has installed a filter, the host learns of that, too. */
noreturn void initscript_fail_setup(const struct initscript_script *script, const char *call);

/* The line of the script that is running, or 0. Takes no memory. */
int initscript_script_line(lua_State *L);

/* Tells that the script itself is about to execute the program PATH. */
void initscript_report_exec(lua_State *L, const char *path);

/* Takes that back: the call has failed. */
void initscript_report_no_exec(lua_State *L);

#endif
