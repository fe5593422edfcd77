/*
 * The numbers in the table C of a script.
 */
#ifndef INITSCRIPT_CONSTANTS_H
#define INITSCRIPT_CONSTANTS_H

/* One entry of the table C that is a number. The table ends with a NULL name. It is defined per
 * system in consts_linux.go and consts_freebsd.go, both with constants_all.h beside them. */
struct initscript_constant {
	const char *name;
	long long value;
};
extern const struct initscript_constant initscript_constants[];

/* A row of the table. A name that is itself a macro is not expanded by #. */
#define CONSTANT(name)                                                                             \
	{                                                                                          \
#name, name                                                                        \
	}

#endif
