/*
 * Stops every thread of this process, and has all of them make one system call. Live mode calls it,
 * from Go, for what neither the kernel nor libc changes in all threads. Afterwards every thread has
 * made the call, or none has; or the process has ended.
 */
#include "sys_threads.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The signal with which libc itself reaches every thread when ids change: neither libc nor the Go
 * runtime ever blocks it. Its handler is lent, and what is not ours passes on to the owner's. */
enum { SIGNAL = 33 };

/* A thread that does not answer this long is none that can: a worker of io_uring, or one that has
 * blocked libc's signal by a raw system call. */
enum { PATIENCE_SECONDS = 5 };

enum phase { GATHER, MAKE, RELEASE };

/* One thread that was asked to stop. */
struct thread {
	pid_t id;
	atomic_int stopped_id; /* written by the thread itself, so that no late one passes for
	                          another */
};

enum { MAX_THREADS = 1 << 16 };

/* The handlers of other threads use all of this but the count. */
static struct {
	struct thread threads[MAX_THREADS];
	size_t count;
	struct initscript_call call;
	atomic_uint phase;    /* enum phase; stopped threads wait for its change */
	atomic_uint arrivals; /* how often a thread has stopped */
	atomic_uint waiting;  /* threads in the handler */
	atomic_uint failures;
} stop;

/* As the kernel has it: sigaction(3) refuses this signal. */
struct kernel_action {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
#if !defined(__riscv) && !defined(__loongarch__)
	void (*restorer)(void);
#endif
	uint64_t mask;
};
static struct kernel_action lender;

static long set_action(int signal, const struct kernel_action *new, struct kernel_action *old)
{
	return syscall(SYS_rt_sigaction, signal, new, old, sizeof new->mask);
}

static void wait_for_change(atomic_uint *word, unsigned value, const struct timespec *limit)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, limit);
}

static void wake(atomic_uint *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX);
}

static long make(const struct initscript_call *call, pid_t thread)
{
	const long *a = call->arguments;
	long first = thread == call->script_thread ? call->script_argument : a[0];
	return syscall(call->number, first, a[1], a[2], a[3], a[4]);
}

static void stop_here(struct thread *thread)
{
	int error = errno; /* of the code that was interrupted */
	pid_t self = syscall(SYS_gettid);
	atomic_fetch_add(&stop.waiting, 1);
	atomic_store(&thread->stopped_id, self);
	atomic_fetch_add(&stop.arrivals, 1);
	wake(&stop.arrivals);
	while (atomic_load(&stop.phase) == GATHER)
		wait_for_change(&stop.phase, GATHER, NULL);
	if (atomic_load(&stop.phase) == MAKE && make(&stop.call, self) != 0)
		atomic_fetch_add(&stop.failures, 1);
	atomic_fetch_sub(&stop.waiting, 1);
	wake(&stop.waiting);
	errno = error;
}

/* The value of the signal is an index; other processes could send one too. */
static struct thread *asked_thread(const siginfo_t *info)
{
	if (!info || info->si_code != SI_QUEUE || info->si_pid != getpid())
		return NULL;
	size_t index = (unsigned)info->si_value.sival_int;
	if (index >= MAX_THREADS || atomic_load(&stop.phase) != GATHER)
		return NULL;
	return &stop.threads[index];
}

static bool has_handler(const struct kernel_action *action)
{
	return (uintptr_t)action->handler > (uintptr_t)SIG_IGN;
}

static void handle(int signal, siginfo_t *info, void *context)
{
	struct thread *thread = asked_thread(info);
	if (thread)
		stop_here(thread);
	else if (has_handler(&lender))
		lender.handler(signal, info, context);
}

/* Takes over flags and restorer of a handler that is there: libc's own, or one of Go's. */
static bool borrow_signal(void)
{
	struct kernel_action ours;
	if (set_action(SIGNAL, NULL, &ours) != 0)
		return false;
	if (ours.handler != handle) /* else it stayed from the last time */
		lender = ours;
	if (!has_handler(&ours) && set_action(SIGURG, NULL, &ours) != 0)
		return false;
	if (!has_handler(&ours)) {
		errno = EOPNOTSUPP;
		return false;
	}
	ours.handler = handle;
	ours.flags |= SA_SIGINFO | SA_RESTART | SA_ONSTACK;
	ours.mask = UINT64_MAX;
	return set_action(SIGNAL, &ours, NULL) == 0;
}

static void return_signal(void)
{
	struct kernel_action current;
	/* A signal may still be on its way, and would end the process where nobody handles it. And
	 * libpsx may have put its handler before ours, which then passes everything on. */
	if (has_handler(&lender) && set_action(SIGNAL, NULL, &current) == 0 &&
	    current.handler == handle)
		set_action(SIGNAL, &lender, NULL);
}

static struct thread *find(pid_t id)
{
	static size_t next; /* threads are listed in the order in which they were found */
	for (size_t i = 0; i < stop.count; i++) {
		if (next >= stop.count)
			next = 0;
		struct thread *thread = &stop.threads[next++];
		if (thread->id == id)
			return thread;
	}
	return NULL;
}

/* False with errno set; ESRCH if the thread has ended, EAGAIN if too many signals are queued. */
static bool ask(pid_t id)
{
	if (stop.count == MAX_THREADS) {
		errno = E2BIG;
		return false;
	}
	struct thread *thread = &stop.threads[stop.count];
	thread->id = id;
	atomic_store(&thread->stopped_id, 0);
	siginfo_t info = {.si_code = SI_QUEUE};
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = stop.count;
	if (syscall(SYS_rt_tgsigqueueinfo, getpid(), id, SIGNAL, &info) != 0)
		return false;
	stop.count++;
	return true;
}

/* Asks the thread to stop unless it was asked before. Counts into MOVING who has not stopped. */
static bool visit(pid_t id, unsigned *moving)
{
	struct thread *thread = find(id);
	if (thread && atomic_load(&thread->stopped_id) == id)
		return true;
	++*moving;
	return thread || ask(id) || errno == ESRCH || errno == EAGAIN;
}

/* Visits every thread but the caller. */
static bool sweep(int tasks, unsigned *moving)
{
	_Alignas(struct dirent64) char entries[4096];
	const pid_t self = syscall(SYS_gettid);
	if (lseek(tasks, 0, SEEK_SET) != 0)
		return false;
	for (;;) {
		long length = syscall(SYS_getdents64, tasks, entries, sizeof entries);
		if (length <= 0)
			return length == 0;
		for (long i = 0; i < length;) {
			struct dirent64 *entry = (struct dirent64 *)(entries + i);
			pid_t id = atoi(entry->d_name); /* 0: "." and ".." */
			i += entry->d_reclen;
			if (id != 0 && id != self && !visit(id, moving))
				return false;
		}
	}
}

static time_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* A thread can start another one until it stops itself, and entries of a directory may be missed
 * while others go. So twice in a row nobody may be found moving. */
static bool gather(int tasks)
{
	const time_t end = now() + PATIENCE_SECONDS;
	const struct timespec blink = {.tv_nsec = 1000 * 1000};
	for (int quiet = 0; quiet < 2;) {
		unsigned arrivals = atomic_load(&stop.arrivals), moving = 0;
		if (!sweep(tasks, &moving))
			return false;
		quiet = moving == 0 ? quiet + 1 : 0;
		if (moving > 0 && now() > end) {
			errno = ETIMEDOUT;
			return false;
		}
		if (moving > 0)
			wait_for_change(&stop.arrivals, arrivals, &blink);
	}
	return true;
}

static void go_on(enum phase phase)
{
	int error = errno;
	atomic_store(&stop.phase, phase);
	wake(&stop.phase);
	for (unsigned waiting; (waiting = atomic_load(&stop.waiting)) > 0;)
		wait_for_change(&stop.waiting, waiting, NULL);
	return_signal();
	errno = error;
}

bool initscript_every_thread(int tasks, const struct initscript_call *call)
{
	stop.count = 0;
	stop.call = *call;
	atomic_store(&stop.failures, 0);
	atomic_store(&stop.phase, GATHER);
	if (!borrow_signal())
		return false;
	bool made = gather(tasks) && make(call, syscall(SYS_gettid)) == 0;
	go_on(made ? MAKE : RELEASE);
	if (atomic_load(&stop.failures) > 0)
		initscript_end_half_confined();
	return made;
}

noreturn void initscript_end_half_confined(void)
{
	/* No stdio: another thread may have its lock. */
	static const char text[] = "<3>ipc_actor/init: not every thread could be confined\n";
	if (write(STDERR_FILENO, text, sizeof text - 1) < 0) {
		/* The status tells as well. */
	}
	_exit(1);
}
