/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_SOCKET_H
#define FREEBSDTEST_SYS_SOCKET_H

#include <sys/types.h>
#include <sys/uio.h>

#define AF_UNSPEC 0x0
#define AF_UNIX 0x1
#define AF_LOCAL 0x1
#define AF_INET 0x2
#define AF_INET6 0x1c
#define SOCK_STREAM 0x1
#define SOCK_DGRAM 0x2
#define SOCK_SEQPACKET 0x5
#define SOCK_CLOEXEC 0x10000000
#define SOCK_NONBLOCK 0x20000000
#define SOL_SOCKET 0xffff
#define SO_TYPE 0x1008
#define SO_DOMAIN 0x1019
#define SO_SNDBUF 0x1001
#define SO_RCVBUF 0x1002
#define SOMAXCONN 0x80
#define MSG_EOR 0x8
#define MSG_TRUNC 0x10
#define MSG_CTRUNC 0x20
#define MSG_DONTWAIT 0x80
#define MSG_NOSIGNAL 0x20000
#define MSG_CMSG_CLOEXEC 0x40000
#define MSG_PEEK 0x2
#define SCM_RIGHTS 0x1
#define SCM_CREDS 0x3
#define SHUT_RD 0x0
#define SHUT_WR 0x1
#define SHUT_RDWR 0x2

struct sockaddr {
	unsigned char sa_len;
	unsigned char sa_family;
	char sa_data[14];
};
struct msghdr {
	void *msg_name;
	socklen_t msg_namelen;
	struct iovec *msg_iov;
	int msg_iovlen;
	void *msg_control;
	socklen_t msg_controllen;
	int msg_flags;
};
struct cmsghdr {
	socklen_t cmsg_len;
	int cmsg_level;
	int cmsg_type;
};
enum { CMGROUP_MAX = 16 };
struct cmsgcred {
	pid_t cmcred_pid;
	uid_t cmcred_uid, cmcred_euid;
	gid_t cmcred_gid;
	short cmcred_ngroups;
	gid_t cmcred_groups[CMGROUP_MAX];
};
#define CMSG_ALIGN_(n) (((n) + 7) & ~(size_t)7)
#define CMSG_DATA(c) ((unsigned char *)(c) + CMSG_ALIGN_(sizeof(struct cmsghdr)))
#define CMSG_LEN(n) (CMSG_ALIGN_(sizeof(struct cmsghdr)) + (n))
#define CMSG_SPACE(n) (CMSG_ALIGN_(sizeof(struct cmsghdr)) + CMSG_ALIGN_(n))
#define CMSG_FIRSTHDR(m)                                                                           \
	((m)->msg_controllen >= sizeof(struct cmsghdr) ? (struct cmsghdr *)(m)->msg_control : NULL)
#define CMSG_NXTHDR(m, c)                                                                          \
	((char *)(c) + CMSG_ALIGN_((c)->cmsg_len) + CMSG_ALIGN_(sizeof(struct cmsghdr)) >          \
	                 (char *)(m)->msg_control + (m)->msg_controllen                            \
	         ? NULL                                                                            \
	         : (struct cmsghdr *)((char *)(c) + CMSG_ALIGN_((c)->cmsg_len)))

int socket(int domain, int type, int protocol);
int socketpair(int domain, int type, int protocol, int pair[2]);
int bind(int fd, const struct sockaddr *address, socklen_t size);
int connect(int fd, const struct sockaddr *address, socklen_t size);
int listen(int fd, int backlog);
int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict size, int flags);
int shutdown(int fd, int how);
int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict size);
int setsockopt(int fd, int level, int name, const void *value, socklen_t size);
ssize_t send(int fd, const void *from, size_t size, int flags);
ssize_t recv(int fd, void *to, size_t size, int flags);
ssize_t sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t recvmsg(int fd, struct msghdr *message, int flags);

#endif
