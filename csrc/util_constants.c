/*
 * The table C has no numbers in a program that is linked without package initscript, which has the
 * real ones (consts_linux.go, consts_freebsd.go). Such a program uses package mailbox, say, and
 * never runs a script.
 */
#include "constants.h"

#include <stddef.h>

__attribute__((weak)) const struct initscript_constant initscript_constants[] = {{NULL, 0}};
