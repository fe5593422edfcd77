/*
 * What the wrappers of system calls (api_*.c) share: reading arguments, and memory for results.
 */
#ifndef INITSCRIPT_API_H
#define INITSCRIPT_API_H

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

/* The field of that name of the table at INDEX (absolute), read raw: a number, or 0 for nil.
 * Anything else ends the process; PART is what the message calls the field. */
uint64_t initscript_number_field(lua_State *L, int index, const char *name, const char *part);

/* The same for tables that Emilua does not have: a number that is no integer raises an error. */
uint64_t initscript_exact_field(lua_State *L, int index, const char *name, const char *part);

/* Sets no_new_privs for what initscript_operations_of() says: 0, or -1 with errno set. */
long initscript_no_new_privs(lua_State *L); /* api_helper_*.c */

/* Argument ARG as a descriptor: an integer, cut to 32 bits. In the place of those of the launcher,
 * such as the one on which failures are reported, it returns a number that is not open. */
int initscript_fd(lua_State *L, int arg);

/* The same for calls that Emilua does not have: what is no int raises an error. */
int initscript_exact_fd(lua_State *L, int arg);

/* Takes SIZE bytes from the script's memory, outside garbage collection; ends the process when
 * there are too few. Nothing that may raise a Lua error can run before initscript_release(). */
void *initscript_acquire(lua_State *L, size_t size);

/* Gives back what initscript_acquire() returned for the same SIZE. Keeps errno. */
void initscript_release(lua_State *L, void *block, size_t size);

/* A block for a system call to fill, which then becomes a Lua string. */
struct initscript_buffer {
	char *bytes;
	size_t size;
};

/* Acquires a buffer, and pushes one value that the two functions below take away again. */
struct initscript_buffer initscript_buffer_open(lua_State *L, size_t size);

/* Releases the buffer; for a system call that failed. Keeps errno. */
void initscript_buffer_drop(lua_State *L, struct initscript_buffer buffer);

/* Pushes the first LENGTH bytes of the buffer as a string and releases it. If a finalizer that
 * ran meanwhile raised an error, pushes the error value and returns false. */
bool initscript_buffer_push(lua_State *L, struct initscript_buffer buffer, size_t length);

#endif
