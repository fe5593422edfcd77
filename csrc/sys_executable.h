/*
 * The file that fork servers are executed from. A child can reach it through /proc, and must have
 * no way to write to this program's file (CVE-2019-5736).
 */
#ifndef INITSCRIPT_SYS_EXECUTABLE_H
#define INITSCRIPT_SYS_EXECUTABLE_H

/* Opens the running program for reading and execution, close-on-exec: the file itself where no
 * child could write to it, else through a read-only mount that belongs to no namespace
 * (CAP_SYS_ADMIN, since Linux 5.12), else a sealed copy. Needs /proc. On FreeBSD the file itself,
 * for execution only. On failure -1 with errno set; FAILED is then the system call. */
int initscript_open_executable(const char **failed);

/* Returns a sealed memfd, close-on-exec, with all that is loaded of EXECUTABLE: rules about files
 * do not forbid to execute it. On failure -1 with errno set, FAILED as above; ENOSYS on FreeBSD. */
int initscript_copy_executable(int executable, const char **failed);

#endif
