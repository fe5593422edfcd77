/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_SIGNALVAR_H
#define FREEBSDTEST_SYS_SIGNALVAR_H

#include <signal.h>

#endif
