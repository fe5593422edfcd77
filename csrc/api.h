/*
 * What the calls of scripts (api_*.c) share: fields of tables, and memory for results. Arguments
 * are read by script_arguments.h.
 */
#ifndef INITSCRIPT_API_H
#define INITSCRIPT_API_H

#include "script_arguments.h"
#include "script_environment.h"
#include "script_errexit.h"

#include <stddef.h>
#include <stdint.h>

/* Each family of calls has one array. */
extern const struct initscript_function initscript_io_functions[];         /* api_io.c */
extern const struct initscript_function initscript_file_functions[];       /* api_file.c */
extern const struct initscript_function initscript_at_functions[];         /* api_at.c */
extern const struct initscript_function initscript_descriptor_functions[]; /* api_descriptor.c */
extern const struct initscript_function initscript_process_functions[];    /* api_process.c */
extern const struct initscript_function initscript_resource_functions[];   /* api_resource.c */
extern const struct initscript_function initscript_credential_functions[]; /* api_credential.c */
extern const struct initscript_function initscript_exec_functions[];       /* api_exec.c */
extern const struct initscript_function initscript_mount_functions[];      /* api_mount_*.c */

/* Of Linux, each in api_NAME_linux.c. */
extern const struct initscript_function initscript_openat2_functions[];
extern const struct initscript_function initscript_namespace_functions[];
extern const struct initscript_function initscript_prctl_functions[];
extern const struct initscript_function initscript_seccomp_functions[];
extern const struct initscript_function initscript_landlock_functions[];
extern const struct initscript_function initscript_mount_fd_functions[];
extern const struct initscript_function initscript_capability_functions[];
extern const struct initscript_function initscript_keyring_functions[];

/* Of FreeBSD, likewise. */
extern const struct initscript_function initscript_capsicum_functions[];
extern const struct initscript_function initscript_jail_functions[];

/* The families that this system has, up to a NULL: api_families_linux.c, api_families_freebsd.c. */
extern const struct initscript_function *const initscript_families[];

/* The global helpers (mode, write_all, ...), ended by a NULL name. */
extern const struct initscript_function initscript_helpers[]; /* api_helper.c */

/* The field of that name of the table at INDEX (absolute), read raw: a number, or 0 for nil.
 * Anything else ends the process; PART is what the message calls the field. */
uint64_t initscript_number_field(lua_State *L, int index, const char *name, const char *part);

/* The same for tables that Emilua does not have: a number that is no integer raises an error. */
uint64_t initscript_exact_field(lua_State *L, int index, const char *name, const char *part);

/* Sets no_new_privs for what initscript_operations_of() says: 0, or -1 with errno set. */
long initscript_no_new_privs(lua_State *L); /* api_helper_*.c */

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
