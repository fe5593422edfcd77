/*
 * The memory of a child as it was before there was a script, and the way back to it: everything
 * that the script or a library on its behalf (stdio, the locale, ffi) has put anywhere is gone
 * then, without a list of such places.
 *
 * The server notes once, before it has a Lua state, what it has mapped and what it has written
 * there. It is single-threaded then, as are its children until the way back.
 */
#ifndef INITSCRIPT_SYS_IMAGE_H
#define INITSCRIPT_SYS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Notes all mappings of this process, and the content of what it has written. Static variables that
 * are set later are forgotten with the rest by initscript_image_restore(). False with errno set
 * when that failed. Where /proc cannot be read it returns true, and the way back is shorter: see
 * there. */
bool initscript_image_save(void);

/* Goes back. All that was mapped since is unmapped, but the SIZE bytes at KEPT; all that could be
 * written to gets its old content, static variables and the state of the C library included. The
 * stack (see util_stack.h) and the thread's id stay as they are.
 *
 * With NATIVES that goes also for what could not be written to, and for what is above the stack:
 * code that the script has loaded (script_guard.h) can change that by mprotect(2), and map whatever
 * it wants.
 *
 * Without /proc (in the server) what the script itself has mapped stays mapped, and what it has
 * made writable stays written.
 *
 * False with errno set when the kernel refused; then something of the script may still be there. */
bool initscript_image_restore(const void *kept, size_t size, bool natives);

#endif
