/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_UCRED_H
#define FREEBSDTEST_SYS_UCRED_H

#include <sys/types.h>

#define XUCRED_VERSION 0
#define XU_NGROUPS 16
struct xucred {
	u_int cr_version;
	uid_t cr_uid;
	short cr_ngroups;
	gid_t cr_groups[XU_NGROUPS];
	union {
		void *cr_unused1;
		pid_t cr_pid;
	};
};

#endif
