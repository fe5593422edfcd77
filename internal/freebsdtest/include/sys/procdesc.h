/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_PROCDESC_H
#define FREEBSDTEST_SYS_PROCDESC_H

#include <sys/types.h>

#define PD_DAEMON 0x1
#define PD_CLOEXEC 0x2
pid_t pdfork(int *fd, int flags);
int pdkill(int fd, int signal);
int pdgetpid(int fd, pid_t *pid);

#endif
