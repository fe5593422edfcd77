/*
 * What executes a file that is no program by itself.
 */
#ifndef INITSCRIPT_SYS_INTERPRETER_H
#define INITSCRIPT_SYS_INTERPRETER_H

/* The interpreter or dynamic loader that the file names, in a buffer of PATH_MAX bytes; "" if it
 * names none or cannot be read. */
void initscript_read_interpreter(const char *path, char *interpreter);

#endif
