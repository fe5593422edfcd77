/*
 * Forgetting what a script has left in dead stack frames, such as the buffers of string functions.
 */
#ifndef INITSCRIPT_UTIL_STACK_H
#define INITSCRIPT_UTIL_STACK_H

/* Calls FUNCTION(ARGUMENT) with its frames a gap below the caller's. On Linux, no bytes that it has
 * handled are left in the vector registers either. */
void initscript_call_below_gap(void (*function)(const void *), const void *argument);

/* Drops the stack pages below the gap: all that the called function and whatever it called had in
 * their frames. For the caller of initscript_call_below_gap(), or a few small frames below it. */
void initscript_wipe_below_gap(void);

#endif
