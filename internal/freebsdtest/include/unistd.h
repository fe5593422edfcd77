/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_UNISTD_H
#define FREEBSDTEST_UNISTD_H

#include <sys/types.h>

#define F_OK 0
#define X_OK 1
#define W_OK 2
#define R_OK 4
#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define _SC_PAGESIZE 47

ssize_t read(int fd, void *to, size_t size);
ssize_t write(int fd, const void *from, size_t size);
ssize_t pread(int fd, void *to, size_t size, off_t offset);
off_t lseek(int fd, off_t offset, int whence);
int close(int fd);
int dup(int fd);
int dup2(int from, int to);
int dup3(int from, int to, int flags);
int pipe(int fds[2]);
int pipe2(int fds[2], int flags);
int ftruncate(int fd, off_t size);
int truncate(const char *path, off_t size);
int fsync(int fd);
ssize_t pwrite(int fd, const void *from, size_t size, off_t offset);
ssize_t readlinkat(int fd, const char *restrict path, char *restrict to, size_t size);
int access(const char *path, int mode);
int eaccess(const char *path, int mode);
int faccessat(int fd, const char *path, int mode, int flags);
int link(const char *from, const char *to);
int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int symlink(const char *target, const char *path);
int symlinkat(const char *target, int fd, const char *path);
ssize_t readlink(const char *restrict path, char *restrict to, size_t size);
int unlink(const char *path);
int unlinkat(int fd, const char *path, int flags);
int rmdir(const char *path);
int rename(const char *from, const char *to);
int chown(const char *path, uid_t owner, gid_t group);
int lchown(const char *path, uid_t owner, gid_t group);
int fchown(int fd, uid_t owner, gid_t group);
int fchownat(int fd, const char *path, uid_t owner, gid_t group, int flags);
int chdir(const char *path);
int fchdir(int fd);
int chroot(const char *path);
int sethostname(const char *name, int size);
int setdomainname(const char *name, int size);
pid_t fork(void);
pid_t vfork(void);
int execve(const char *path, char *const argv[], char *const envp[]);
int fexecve(int fd, char *const argv[], char *const envp[]);
_Noreturn void _exit(int status);
pid_t getpid(void);
pid_t getppid(void);
pid_t getpgrp(void);
pid_t getpgid(pid_t pid);
pid_t getsid(pid_t pid);
int setpgid(pid_t pid, pid_t group);
pid_t setsid(void);
uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
gid_t getegid(void);
int setresuid(uid_t real, uid_t effective, uid_t saved);
int setresgid(gid_t real, gid_t effective, gid_t saved);
int getgroups(int size, gid_t groups[]);
int setgroups(int count, const gid_t *groups);
int issetugid(void);
int isatty(int fd);
long sysconf(int name);
long syscall(int number, ...);
unsigned sleep(unsigned seconds);
int usleep(useconds_t microseconds);
void setproctitle(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
