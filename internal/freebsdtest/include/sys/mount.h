/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_MOUNT_H
#define FREEBSDTEST_SYS_MOUNT_H

#include <sys/param.h>

#define MNT_RDONLY 0x1
#define MNT_SYNCHRONOUS 0x2
#define MNT_NOEXEC 0x4
#define MNT_NOSUID 0x8
#define MNT_SUIDDIR 0x100000
#define MNT_NOATIME 0x10000000
#define MNT_SNAPSHOT 0x1000000
#define MNT_NOCLUSTERR 0x40000000
#define MNT_NOCLUSTERW 0x80000000
#define MNT_ASYNC 0x40
#define MNT_UPDATE 0x10000
#define MNT_RELOAD 0x40000
#define MNT_FORCE 0x80000
#define MNT_BYFSID 0x8000000
#define MNT_NOCOVER 0x1000000000ULL
#define MNT_EMPTYDIR 0x2000000000ULL
int mount(const char *type, const char *directory, int flags, void *data);
int unmount(const char *directory, int flags);

#endif
