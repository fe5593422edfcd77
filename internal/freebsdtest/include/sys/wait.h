/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_WAIT_H
#define FREEBSDTEST_SYS_WAIT_H

#include <sys/types.h>

#define WNOHANG 1
#define WSTATUS_(s) ((s)&0x7f)
#define WIFEXITED(s) (WSTATUS_(s) == 0)
#define WEXITSTATUS(s) ((s) >> 8 & 0xff)
#define WIFSIGNALED(s) (WSTATUS_(s) != 0x7f && WSTATUS_(s) != 0 && (s) != 0x13)
#define WTERMSIG(s) WSTATUS_(s)

struct rusage;
pid_t wait(int *status);
pid_t waitpid(pid_t pid, int *status, int options);
pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage);

#endif
