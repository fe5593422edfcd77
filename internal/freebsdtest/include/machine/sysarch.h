/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_MACHINE_SYSARCH_H
#define FREEBSDTEST_MACHINE_SYSARCH_H

int amd64_set_fsbase(void *address);

#endif
