/*
 * The fork server: one process, one thread, which forks a child for every start request.
 */
#ifndef INITSCRIPT_ROLE_SERVER_H
#define INITSCRIPT_ROLE_SERVER_H

#include "wire.h"

/* Takes the capabilities of GREETING, sends it back, and serves the host behind the socket CONTROL
 * until it closes it. Then every child is killed that was not detached, and the process ends with
 * the last one. It returns in a child that is to become an actor. */
void initscript_serve(int control, const struct initscript_greeting *greeting);

#endif
