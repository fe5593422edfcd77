/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_NETINET_IN_H
#define FREEBSDTEST_NETINET_IN_H

#include <sys/socket.h>

#define IPPROTO_TCP 0x6
#define IPPROTO_UDP 0x11
#define IPPROTO_SCTP 0x84

#endif
