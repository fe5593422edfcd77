/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_SYSCALL_H
#define FREEBSDTEST_SYS_SYSCALL_H

#define SYS_getpid 20
#define SYS_setgroups 80
#define SYS_setresuid 311
#define SYS_setresgid 312
#define SYS_close_range 575

#endif
