/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SIGNAL_H
#define FREEBSDTEST_SIGNAL_H

#include <sys/types.h>

#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGIOT 6
#define SIGEMT 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGBUS 10
#define SIGSEGV 11
#define SIGSYS 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGURG 16
#define SIGSTOP 17
#define SIGTSTP 18
#define SIGCONT 19
#define SIGCHLD 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGIO 23
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGWINCH 28
#define SIGINFO 29
#define SIGUSR1 30
#define SIGUSR2 31
#define SIGLWP 32
#define SIGTHR 32
#define SIGLIBRT 33
#define SIGRTMIN 65
#define SIGRTMAX 126
#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))1)
#define SIG_BLOCK 1
#define SIG_UNBLOCK 2
#define SIG_SETMASK 3
#define SA_ONSTACK 1
#define SA_RESTART 2
#define SA_SIGINFO 0x40
#define SI_USER 0x10001
#define SI_QUEUE 0x10002
#define SI_KERNEL 0x10006

#define _SIG_WORDS 4
typedef struct __sigset {
	uint32_t __bits[_SIG_WORDS];
} sigset_t;
#define SIGFILLSET(set) sigfillset(&(set))
union sigval {
	int sival_int;
	void *sival_ptr;
};
typedef struct {
	int si_signo, si_errno, si_code;
	pid_t si_pid;
	uid_t si_uid;
	int si_status;
	void *si_addr;
	union sigval si_value;
} siginfo_t;
struct sigaction {
	union {
		void (*sa_handler)(int);
		void (*sa_sigaction)(int, siginfo_t *, void *);
	};
	int sa_flags;
	sigset_t sa_mask;
};
typedef struct {
	void *ss_sp;
	size_t ss_size;
	int ss_flags;
} stack_t;

int kill(pid_t pid, int signal);
int raise(int signal);
int sigaction(int signal, const struct sigaction *restrict new, struct sigaction *restrict old);
int sigemptyset(sigset_t *set);
int sigfillset(sigset_t *set);
int sigaddset(sigset_t *set, int signal);
int sigdelset(sigset_t *set, int signal);
int sigismember(const sigset_t *set, int signal);
int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old);
int sigaltstack(const stack_t *restrict stack, stack_t *restrict old);
int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old);
int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info);
struct timespec;
int sigtimedwait(const sigset_t *, siginfo_t *, const struct timespec *);
void (*signal(int number, void (*handler)(int)))(int);

#endif
