#include "live.h"

#include "api.h"
#include "threads.h"
#include "util_fds.h"
#include "util_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The script runs on a thread of its own, which has a descriptor table of its own: what it opens,
 * closes and overwrites is not the program's, and nothing that it forgot stays open. The thread
 * that started it waits, and does on demand what the script's thread cannot: stop all threads, and
 * hold a descriptor that all of them know.
 */

/* ABI values that older headers lack. */
enum { RESTRICT_SELF_TSYNC = 1 << 3, CREATE_RULESET_ERRATA = 1 << 1, ERRATUM_SIGNALS = 1 << 1 };

/* What the two threads say to each other. */
struct message {
	enum kind { READY, REFUSED, STOP, RELEASE, MAKE } kind;
	int error; /* of the answer, errno */
	int fd;    /* of the answer to STOP: the passed descriptor, in the program's table */
	struct initscript_call call;
};

struct session {
	const struct initscript_confinement *confinement;
	struct initscript_refusal *refusal;
	int host_end, script_end; /* of a socket pair */
	int tasks;                /* /proc/self/task, or -1 and */
	int tasks_error;          /* why, errno */
	pid_t script_thread;
	struct initscript_env env;
};

static noreturn void end_half_confined(void)
{
	/* No stdio: a stopped thread may have its lock. */
	static const char text[] = "<3>ipc_actor/init: not every thread could be confined\n";
	if (write(STDERR_FILENO, text, sizeof text - 1) < 0) {
		/* The status tells as well. */
	}
	_exit(1);
}

/* The script's side. */

/* False with errno set if the message could not be sent. Without an answer there is no going on:
 * threads may be stopped. */
static bool exchange(int socket, struct message *message, const int *fd)
{
	size_t none = 0;
	if (!initscript_send(socket, message, sizeof *message, fd, fd ? 1 : 0))
		return false;
	if (!initscript_receive(socket, message, sizeof *message, NULL, &none))
		end_half_confined();
	return true;
}

/* Has every thread make the call, this one first: if it fails, nothing has changed. FD is not NULL
 * if the first argument is a descriptor, which the others know by another number. */
static long make_everywhere(struct initscript_env *env, const struct initscript_call *call,
                            const int *fd)
{
	struct message message = {.kind = STOP};
	if (!exchange(env->hidden, &message, fd))
		return -1;
	if (message.error) {
		errno = message.error;
		return -1;
	}
	const int shared_fd = message.fd;
	const long *a = call->arguments;
	long result = syscall(call->number, a[0], a[1], a[2], a[3], a[4]);
	int error = errno;
	message = (struct message){.kind = result == 0 ? MAKE : RELEASE, .fd = shared_fd};
	message.call = *call;
	if (fd)
		message.call.arguments[0] = shared_fd;
	if (!exchange(env->hidden, &message, NULL) || message.error)
		end_half_confined();
	errno = error;
	return result;
}

static long live_change(struct initscript_env *env, long number, long a, long b, long c, long d,
                        long e)
{
	const struct initscript_call call = {number, {a, b, c, d, e}};
	return make_everywhere(env, &call, NULL);
}

static long landlock_version(unsigned what)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, what);
}

static bool landlock_has_tsync(void)
{
	return landlock_version(LANDLOCK_CREATE_RULESET_VERSION) >= 8;
}

static long live_restrict_self(struct initscript_env *env, int ruleset, uint32_t flags)
{
	if (landlock_has_tsync())
		return syscall(SYS_landlock_restrict_self, ruleset, flags | RESTRICT_SELF_TSYNC);
	const struct initscript_call call = {SYS_landlock_restrict_self, {ruleset, flags}};
	return make_everywhere(env, &call, ruleset >= 0 ? &ruleset : NULL);
}

/* One domain per thread and scoped signals, and the threads cannot signal each other any more:
 * setresuid(2) of libc would then silently leave out some. Later kernels let them. */
static bool live_can_scope_signals(void)
{
	long errata = landlock_version(CREATE_RULESET_ERRATA);
	return landlock_has_tsync() || (errata > 0 && errata & ERRATUM_SIGNALS);
}

static const struct initscript_operations live_operations = {
        .every_thread = true,
        .change = live_change,
        .restrict_self = live_restrict_self,
        .can_scope_signals = live_can_scope_signals,
};

static int refuse(lua_State *L, const char *name, const char *reason)
{
	lua_getglobal(L, "errexit");
	if (lua_toboolean(L, -1))
		fprintf(stderr, "<3>ipc_actor/init/%s: %s\n", name, reason);
	lua_pop(L, 1);
	errno = EOPNOTSUPP;
	return initscript_result(L, name, -1);
}

#define ONE_THREAD "would change one thread only: not possible in a running program"
#define NO_RETURN "would end the running program with all its threads: start a child instead"

static int refuse_unshare(lua_State *L)
{
	return refuse(L, "unshare", ONE_THREAD);
}

static int refuse_setns(lua_State *L)
{
	return refuse(L, "setns", ONE_THREAD);
}

static int refuse_keyctl(lua_State *L)
{
	return refuse(L, "keyctl", ONE_THREAD);
}

static int refuse_execve(lua_State *L)
{
	return refuse(L, "execve", NO_RETURN);
}

static int refuse_fexecve(lua_State *L)
{
	return refuse(L, "fexecve", NO_RETURN);
}

static const struct initscript_function refused_functions[] = {
        {"unshare", refuse_unshare}, {"setns", refuse_setns},     {"keyctl", refuse_keyctl},
        {"execve", refuse_execve},   {"fexecve", refuse_fexecve}, {NULL, NULL},
};

/* Puts the functions above into the table C: into upvalue 1 of its __index. */
static void replace_functions(lua_State *L)
{
	lua_getglobal(L, "C");
	lua_getmetatable(L, -1);
	lua_getfield(L, -1, "__index");
	lua_getupvalue(L, -1, 1);
	for (const struct initscript_function *f = refused_functions; f->name; f++) {
		lua_pushlightuserdata(L, (void *)f);
		lua_setfield(L, -2, f->name);
	}
	lua_pop(L, 4);
}

static bool fail(struct session *session, const char *system_call)
{
	session->refusal->error = errno;
	session->refusal->system_call = system_call;
	return false;
}

/* The descriptors as a child has them: stdio, ARG, nothing else. The socket moves up, out of the
 * way of the script, for which it does not exist. */
static bool take_descriptors(struct session *session)
{
	int arg = session->confinement->arg;
	int hidden = fcntl(session->script_end, F_DUPFD_CLOEXEC, INITSCRIPT_EXTRA_FD + 64);
	if (hidden < 0 && errno == EINVAL) /* the limit is that low */
		hidden = fcntl(session->script_end, F_DUPFD_CLOEXEC, INITSCRIPT_EXTRA_FD);
	if (hidden < 0)
		return fail(session, "fcntl");
	session->env.hidden = hidden;
	session->env.hidden_end = hidden + 1;
	/* Of a program that has closed its standard streams these may have their numbers. */
	const int known[] = {session->host_end, session->script_end, session->tasks};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i] >= 0)
			close(known[i]);
	if (arg == INITSCRIPT_ARG_FD && fcntl(arg, F_SETFD, FD_CLOEXEC) != 0)
		return fail(session, "fcntl");
	if (arg >= 0 && arg != INITSCRIPT_ARG_FD && dup3(arg, INITSCRIPT_ARG_FD, O_CLOEXEC) < 0)
		return fail(session, "dup3");
	unsigned first = arg >= 0 ? INITSCRIPT_ARG_FD + 1 : INITSCRIPT_ARG_FD;
	close(INITSCRIPT_INBOX_FD);
	if (!initscript_close_range(first, hidden - 1) || !initscript_close_range(hidden + 1, ~0U))
		return fail(session, "close_range");
	return true;
}

/* Compiles the script to learn whether it can be. */
static bool can_be_loaded(struct session *session)
{
	const struct initscript_confinement *c = session->confinement;
	lua_State *L = session->env.L;
	const char *chunk_name = lua_pushfstring(L, "@%s", c->script_name);
	session->env.L = NULL; /* too little memory is an error, too, not the end of the process */
	bool loaded = luaL_loadbufferx(L, c->script, c->script_length, chunk_name, "t") == 0;
	session->env.L = L;
	if (!loaded)
		snprintf(session->refusal->message, sizeof session->refusal->message, "%s",
		         lua_tostring(L, -1));
	lua_pop(L, 2);
	lua_gc(L, LUA_GCCOLLECT, 0); /* when it is compiled again there is as much memory */
	return loaded;
}

/* close_range(2) first: the seccomp profiles of containers refuse unshare(2), since it can make
 * namespaces. Before Linux 5.9 there is only the latter. */
static bool unshare_descriptors(void)
{
	const unsigned CLOSE_NONE = ~0U, UNSHARE = 1 << 1;
	return syscall(SYS_close_range, CLOSE_NONE, CLOSE_NONE, UNSHARE) == 0 ||
	       unshare(CLONE_FILES) == 0;
}

static bool prepare(struct session *session)
{
	struct initscript_env *env = &session->env;
	session->script_thread = syscall(SYS_gettid);
	if (!unshare_descriptors())
		return fail(session, "unshare");
	if (!take_descriptors(session))
		return false;
	env->operations = &live_operations;
	env->arena.limit = SIZE_MAX;
	if (!initscript_env_open(env)) {
		errno = ENOMEM;
		return fail(session, "mmap");
	}
	replace_functions(env->L);
	env->arena.limit = session->confinement->memory_limit;
	if (can_be_loaded(session))
		return true;
	initscript_env_close(env);
	return false;
}

static void run(struct session *session)
{
	const struct initscript_confinement *c = session->confinement;
	struct initscript_env *env = &session->env;
	if (c->arg >= 0) {
		lua_pushinteger(env->L, INITSCRIPT_ARG_FD);
		lua_setglobal(env->L, "arg");
	}
	if (!initscript_env_run(env, c->script_name, c->script, c->script_length)) {
		initscript_env_close(env);
		exit(1);
	}
	fflush(stdout);
	/* As in a child: what the script opened is closed before its finalizers run. */
	if (!initscript_close_range(INITSCRIPT_INBOX_FD, env->hidden - 1) ||
	    !initscript_close_range(env->hidden_end, ~0U))
		end_half_confined();
	initscript_env_close(env);
}

static void *script_thread(void *argument)
{
	struct session *session = argument;
	bool ready = prepare(session);
	struct message message = {.kind = ready ? READY : REFUSED};
	if (!initscript_send(session->env.hidden, &message, sizeof message, NULL, 0) && ready)
		end_half_confined();
	if (ready)
		run(session);
	return NULL;
}

/* The program's side. */

static bool stop_threads(const struct session *session)
{
	if (session->tasks < 0) {
		errno = session->tasks_error;
		return false;
	}
	return initscript_threads_stop(session->tasks, session->script_thread);
}

static void answer(struct session *session, struct message *message, int fd)
{
	bool stopped = false;
	if (message->kind == STOP) {
		stopped = stop_threads(session);
		message->error = stopped ? 0 : errno;
		message->fd = fd;
	} else if (message->kind == RELEASE) {
		initscript_threads_release();
	} else if (!initscript_threads_make(&message->call)) {
		end_half_confined();
	}
	if (!stopped && message->fd >= 0)
		close(message->fd);
	if (!initscript_send(session->host_end, message, sizeof *message, NULL, 0))
		end_half_confined();
}

/* Serves the script's thread until its end closes the last copy of the other socket. */
static bool serve(struct session *session)
{
	struct message message;
	size_t none = 0;
	bool ready = initscript_receive(session->host_end, &message, sizeof message, NULL, &none) &&
	             message.kind == READY;
	close(session->script_end); /* the script's thread has its own */
	for (;;) {
		int fd = -1;
		size_t count = 1;
		if (!initscript_receive(session->host_end, &message, sizeof message, &fd, &count))
			return ready;
		answer(session, &message, count == 1 ? fd : -1);
	}
}

enum { STACK_SIZE = 8 * 1024 * 1024, GUARD_SIZE = 64 * 1024 };

/* On a stack that can be unmapped, so that nothing of the script stays there. */
static bool start_thread(struct session *session, void *stack, pthread_t *thread)
{
	pthread_attr_t attributes;
	sigset_t all, mask;
	sigfillset(&all);
	errno = pthread_attr_init(&attributes);
	if (errno != 0)
		return fail(session, "pthread_attr_init");
	pthread_attr_setstack(&attributes, (char *)stack + GUARD_SIZE, STACK_SIZE);
	/* The Go runtime's handlers have no business there: the descriptors they use are closed. */
	pthread_sigmask(SIG_SETMASK, &all, &mask);
	errno = pthread_create(thread, &attributes, script_thread, session);
	bool started = errno == 0 || fail(session, "pthread_create");
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	pthread_attr_destroy(&attributes);
	return started;
}

static bool run_session(struct session *session)
{
	pthread_t thread;
	void *stack = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return fail(session, "mmap");
	mprotect(stack, GUARD_SIZE, PROT_NONE);
	bool done = start_thread(session, stack, &thread);
	if (done) {
		done = serve(session);
		pthread_join(thread, NULL);
	} else {
		close(session->script_end);
	}
	munmap(stack, GUARD_SIZE + STACK_SIZE);
	return done;
}

int initscript_confine(const struct initscript_confinement *confinement,
                       struct initscript_refusal *refusal)
{
	struct session session = {.confinement = confinement, .refusal = refusal};
	int pair[2];
	*refusal = (struct initscript_refusal){0};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		fail(&session, "socketpair");
		return -1;
	}
	session.host_end = pair[0];
	session.script_end = pair[1];
	session.env.report_fd = -1; /* nobody waits for records: stderr and the status tell */
	session.env.hidden = pair[1];
	session.env.hidden_end = pair[1] + 1;
	/* Now, because the script may take away /proc. Only some calls need it. */
	session.tasks = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	session.tasks_error = errno;
	bool done = run_session(&session);
	close(session.host_end);
	if (session.tasks >= 0)
		close(session.tasks);
	return done ? 0 : -1;
}
