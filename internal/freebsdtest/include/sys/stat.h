/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SYS_STAT_H
#define FREEBSDTEST_SYS_STAT_H

#include <sys/types.h>

#define S_IRWXU 0x1c0
#define S_IRUSR 0x100
#define S_IWUSR 0x80
#define S_IXUSR 0x40
#define S_IRWXG 0x38
#define S_IRGRP 0x20
#define S_IWGRP 0x10
#define S_IXGRP 0x8
#define S_IRWXO 0x7
#define S_IROTH 0x4
#define S_IWOTH 0x2
#define S_IXOTH 0x1
#define S_ISUID 0x800
#define S_ISGID 0x400
#define S_ISVTX 0x200
#define S_IFCHR 0x2000
#define S_IFBLK 0x6000
#define S_IFMT 0xf000
#define S_IFIFO 0x1000
#define S_IFREG 0x8000
#define S_IFSOCK 0xc000
#define S_IFDIR 0x4000

struct stat {
	dev_t st_dev;
	ino_t st_ino;
	nlink_t st_nlink;
	mode_t st_mode;
	uid_t st_uid;
	gid_t st_gid;
	off_t st_size;
};

int stat(const char *restrict path, struct stat *restrict status);
int fstat(int fd, struct stat *status);
int mkdir(const char *path, mode_t mode);
int mkdirat(int fd, const char *path, mode_t mode);
int mkfifo(const char *path, mode_t mode);
int mknod(const char *path, mode_t mode, dev_t device);
int mknodat(int fd, const char *path, mode_t mode, dev_t device);
int chmod(const char *path, mode_t mode);
int fchmod(int fd, mode_t mode);
int fchmodat(int fd, const char *path, mode_t mode, int flags);
mode_t umask(mode_t mask);

#endif
