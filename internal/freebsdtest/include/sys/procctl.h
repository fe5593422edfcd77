/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_PROCCTL_H
#define FREEBSDTEST_SYS_PROCCTL_H

#include <sys/types.h>

typedef enum { P_PID, P_PPID, P_PGID } idtype_t;
#define PROC_TRACE_CTL 7
#define PROC_TRACE_STATUS 8
#define PROC_TRAPCAP_STATUS 10
#define PROC_PDEATHSIG_CTL 11
#define PROC_ASLR_STATUS 14
#define PROC_PROTMAX_STATUS 16
#define PROC_STACKGAP_STATUS 18
#define PROC_NO_NEW_PRIVS_CTL 19
#define PROC_NO_NEW_PRIVS_STATUS 20
#define PROC_WXMAP_STATUS 22
#define PROC_TRACE_CTL_ENABLE 1
#define PROC_TRACE_CTL_DISABLE 2
#define PROC_NO_NEW_PRIVS_ENABLE 1
int procctl(idtype_t type, id_t id, int command, void *argument);

#endif
