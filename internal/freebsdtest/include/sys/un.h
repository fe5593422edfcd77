/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_UN_H
#define FREEBSDTEST_SYS_UN_H

#include <sys/types.h>

#define SOL_LOCAL 0
#define LOCAL_PEERCRED 1
#define SUNPATHLEN 104
struct sockaddr_un {
	unsigned char sun_len;
	unsigned char sun_family;
	char sun_path[SUNPATHLEN];
};

#endif
