/*
 * Looking at descriptors that are not received yet, and closing others, in short-lived processes.
 * Called by Go and by the packets of Lua programs, from any thread. The caller waits for no peer
 * and no file system, and no helper outlives its work unless it waits itself.
 */
#include "sys_examine.h"

#include "util_rights.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A helper is a process of its own and no thread, so that this one can end while the helper waits
 * for a file system. It raises no SIGCHLD, and wait(2) of the program does not find it. */
struct helper {
	struct helper *next;
	pid_t pid;
	int fd;
	uint32_t released; /* a futex; see hold */
	_Alignas(16) char stack[32 << 10];
};

/* Those that had not ended when they were looked at last. */
static struct helper *helpers;
static pthread_mutex_t helpers_lock = PTHREAD_MUTEX_INITIALIZER;

static bool has_ended(pid_t pid, int options)
{
	pid_t ended;
	do
		ended = waitpid(pid, NULL, options | __WALL);
	while (ended < 0 && errno == EINTR);
	return ended != 0; /* ECHILD: somebody waits for all children of this process */
}

/* To be called with the lock. */
static void reap(void)
{
	for (struct helper **next = &helpers; *next;) {
		struct helper *helper = *next;
		if (has_ended(helper->pid, WNOHANG)) {
			*next = helper->next;
			free(helper);
		} else {
			next = &helper->next;
		}
	}
}

/* Returns NULL with errno set if there can be no helper. RUN gets ARGUMENT or, if that is NULL, the
 * helper, which is to do something with FD. A handler of a signal must not run in it,
 * since it shares our memory. */
static struct helper *start_helper(int (*run)(void *), int flags, void *argument, int fd)
{
	sigset_t all, before;
	struct helper *helper = malloc(sizeof *helper);
	if (!helper)
		return NULL;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	helper->fd = fd;
	helper->released = 0;
	helper->pid = clone(run, helper->stack + sizeof helper->stack, CLONE_VM | flags,
	                    argument ? argument : helper);
	int error = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (helper->pid > 0)
		return helper;
	free(helper);
	errno = error;
	return NULL;
}

static void remember(struct helper *helper)
{
	helper->next = helpers;
	helpers = helper;
}

/* It mostly ends at once, and the copies of descriptors that it has are gone then. */
static void await_end(struct helper *helper, int turns)
{
	bool ended = has_ended(helper->pid, WNOHANG);
	for (int i = 0; i < turns && !ended; i++) {
		sched_yield();
		ended = has_ended(helper->pid, WNOHANG);
	}
	if (ended)
		free(helper);
	else
		remember(helper);
}

static bool is_socket(int fd)
{
	int domain;
	socklen_t length = sizeof domain;
	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0;
}

/* Whether closing FD waits for nobody, whoever else has it. */
static bool closes_at_once(int fd)
{
	return fcntl(fd, F_GETPIPE_SZ) >= 0 || fcntl(fd, F_GET_SEALS) >= 0;
}

struct examination {
	int socket, error;
	bool waits; /* the end of the helper may wait */
	struct initscript_examined *examined;
	int fds[INITSCRIPT_MAX_FDS];
	union initscript_control control;
};

/* Takes the free numbers between our descriptors, of which the helper has copies: their peers are
 * to notice when we close them. At its end the kernel closes in the order of the numbers, so they
 * come first then, whatever the others wait for. */
static void fill_gaps(int fd)
{
	enum { LAST_GAP = 128 }; /* longer than the one before the hidden ones of an actor */
	int in_a_row = 0;
	for (int last = -1; in_a_row < LAST_GAP;) {
		int next = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (next < 0) /* EMFILE */
			return;
		in_a_row = next == last + 1 ? in_a_row + 1 : 0;
		last = next;
	}
}

/* Runs in the helper. What it has looked at is closed by its end, which may have to wait. */
static int examine(void *argument)
{
	struct examination *e = argument;
	char byte;
	struct iovec data = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	initscript_await_rights(&message, &e->control);
	fill_gaps(e->socket);
	if (recvmsg(e->socket, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0) {
		e->error = errno;
		return 0;
	}
	size_t count = initscript_take_rights(&message, e->fds, INITSCRIPT_MAX_FDS);
	e->error = message.msg_flags & MSG_CTRUNC ? EMFILE : 0;
	for (size_t i = 0; i < count; i++)
		e->waits = e->waits || (!is_socket(e->fds[i]) && !closes_at_once(e->fds[i]));
	initscript_describe(e->fds, count, e->examined);
	e->examined->offset = initscript_offset_of_rights(&message);
	return 0;
}

/* The caller stands still until the helper has left our memory. */
static int examine_in_helper(struct examination *e)
{
	struct helper *helper = start_helper(examine, CLONE_VFORK, e, e->socket);
	if (!helper)
		return ENOSYS;
	await_end(helper, e->waits ? 0 : 100);
	return e->error;
}

int initscript_examine(int socket, struct initscript_examined *examined)
{
	struct examination e = {.socket = socket, .examined = examined};
	pthread_mutex_lock(&helpers_lock);
	reap();
	int error = examine_in_helper(&e);
	pthread_mutex_unlock(&helpers_lock);
	return error;
}

/* Runs in the helper: has copies of our descriptors until it is released. A second is the most,
 * lest it stays if this process is killed meanwhile. errno is not read: the caller runs, and it is
 * the same. */
static int hold(void *argument)
{
	struct helper *helper = argument;
	const struct timespec limit = {.tv_sec = 1};
	while (!__atomic_load_n(&helper->released, __ATOMIC_ACQUIRE))
		if (syscall(SYS_futex, &helper->released, FUTEX_WAIT, 0, &limit, NULL, 0) != 0)
			break; /* EAGAIN: it is released; ETIMEDOUT */
	return 0;
}

/* A socket with unsent data can linger, and so can one that is in a message in the queue of a
 * AF_UNIX socket: whoever drops it last waits, but for a process that is exiting. So the
 * last one is a helper. Returns false if there can be none. */
static bool close_socket(int fd)
{
	pthread_mutex_lock(&helpers_lock);
	reap();
	struct helper *helper = start_helper(hold, 0, NULL, fd);
	if (helper) {
		close(fd);
		__atomic_store_n(&helper->released, 1, __ATOMIC_RELEASE);
		syscall(SYS_futex, &helper->released, FUTEX_WAKE, 1, NULL, NULL, 0);
		await_end(helper, 100);
	}
	pthread_mutex_unlock(&helpers_lock);
	return helper != NULL;
}

static int close_only(void *argument)
{
	const struct helper *helper = argument;
	close(helper->fd);
	return 0;
}

void initscript_close_aside(int fd)
{
	struct helper *helper = NULL;
	if (is_socket(fd)) {
		if (close_socket(fd))
			return;
	} else if (!closes_at_once(fd)) {
		pthread_mutex_lock(&helpers_lock);
		reap();
		helper = start_helper(close_only, CLONE_FILES, NULL, fd);
		if (helper)
			remember(helper);
		pthread_mutex_unlock(&helpers_lock);
	}
	if (!helper)
		close(fd);
}
