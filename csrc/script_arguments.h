/*
 * Arguments of calls, as scripts write them, to what C functions take.
 */
#ifndef INITSCRIPT_SCRIPT_ARGUMENTS_H
#define INITSCRIPT_SCRIPT_ARGUMENTS_H

#include "script.h"

#include <stddef.h>
#include <stdint.h>

/* Argument ARG as an integer: a number or a numeric string, the fraction dropped; what does not
 * fit, and NaN, is INT64_MIN. Raises otherwise. The caller's assignment cuts it to the C type. */
int64_t initscript_integer(lua_State *L, int arg);

/* For calls that Emilua does not have, the same without what is lost in silence: an error that
 * names the argument and its value is raised for a fraction, NaN, and what is not from MIN to MAX.
 */
int64_t initscript_exact(lua_State *L, int arg, int64_t min, int64_t max);

/* initscript_exact() for an int, for flags (which bit.bor() may have made negative), for a user or
 * group id (-1 is none), and for a limit or a mask that the kernel checks itself: any integer. */
int initscript_exact_int(lua_State *L, int arg);
unsigned initscript_exact_flags(lua_State *L, int arg);
uint32_t initscript_exact_id(lua_State *L, int arg);
int64_t initscript_exact_integer(lua_State *L, int arg);

/* Whether NUMBER has no fraction, and is neither infinite nor NaN. */
bool initscript_is_integer(lua_Number number);

/* Argument ARG as a path or name: a string or the text of a number. Raises an error for one with a
 * NUL byte, where it would end in C. */
const char *initscript_exact_path(lua_State *L, int arg);

/* Argument ARG as bytes: a string (NUL bytes included) or the text of a number; anything else is
 * empty. Never NULL. */
const char *initscript_bytes(lua_State *L, int arg, size_t *length);

/* Whether the value at INDEX is TEXT, to the last byte; the text of a number counts. */
bool initscript_is_text(lua_State *L, int index, const char *text);

/* One name in a list of flags, and its bit. Arrays of them end with a NULL name. */
struct initscript_flag {
	const char *name;
	uint64_t bit;
};

/* Adds to SET the flags named by the list at INDEX (absolute), which is read raw up to the first
 * nil. False if an element is not a string or not among the KNOWN ones. */
bool initscript_flags(lua_State *L, int index, const struct initscript_flag *known, uint64_t *set);

/* The same for the list in argument ARG, or in its field FIELD (NULL: none), of calls and fields
 * that Emilua does not have: an error is raised for keys behind a hole, and those that are no
 * index. */
void initscript_exact_list(lua_State *L, int index, int arg, const char *field);

/* Argument ARG as a descriptor: an integer, cut to 32 bits. In the place of those of the launcher,
 * such as the one on which failures are reported, it returns a number that is not open. */
int initscript_fd(lua_State *L, int arg);

/* The same for calls that Emilua does not have: what is no int raises an error. */
int initscript_exact_fd(lua_State *L, int arg);

#endif
