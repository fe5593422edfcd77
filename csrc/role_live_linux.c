/*
 * Live mode: a script that confines the program it runs in. Go calls it (confine_linux.go), and it
 * calls Go (bindings_linux.go) for what the script changes. When it returns, the script has ended
 * well and all threads are changed alike, or it was not run and nothing has changed. Nothing of
 * the script stays, neither in memory nor as a descriptor.
 */
#include "role_live.h"

#include "api.h"
#include "sys_threads.h"
#include "util_fds.h"
#include "util_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The script runs on a thread of its own, which has a descriptor table of its own: what it opens,
 * closes and overwrites is not the program's, and nothing that it forgot stays open. No code of
 * Go may run on that thread: the runtime's own descriptors are not there, and what it writes to
 * their numbers would go to a file of the script. So the thread that started it waits, and calls Go
 * on demand.
 *
 * The two wait for each other by semaphores, which need no descriptor and no system call but
 * futex(2): what a filter of the script forbids cannot keep them apart.
 */

struct session {
	struct initscript_confinement *confinement;
	struct initscript_refusal *refusal;
	bool ready;                     /* the script runs, or has run */
	sem_t asked, answered;          /* by the script's thread; by the program's */
	initscript_operation operation; /* what is asked; NULL: the thread has ended */
	struct initscript_call call;    /* for what */
	long result;                    /* the answer */
	struct initscript_script script;
};

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		; /* interrupted by a signal */
}

/* The script's side. */

static struct session *session_of(struct initscript_script *script)
{
	return (struct session *)((char *)script - offsetof(struct session, script));
}

/* Has the program's thread do the operation. */
static long ask(struct session *session, initscript_operation operation,
                const struct initscript_call *call)
{
	session->operation = operation;
	session->call = *call;
	session->call.script_thread = syscall(SYS_gettid);
	session->call.script_argument = call->arguments[0];
	sem_post(&session->asked);
	wait_for(&session->answered);
	if (session->result >= 0)
		return session->result;
	errno = -session->result;
	return -1;
}

static long live_change(struct initscript_script *script, long number, long a, long b, long c,
                        long d, long e)
{
	struct session *session = session_of(script);
	const struct initscript_call call = {.number = number, .arguments = {a, b, c, d, e}};
	return ask(session, session->confinement->change, &call);
}

static long live_restrict_self(struct initscript_script *script, int ruleset, uint32_t flags)
{
	struct session *session = session_of(script);
	const struct initscript_call call = {.number = SYS_landlock_restrict_self,
	                                     .arguments = {ruleset, flags}};
	if (!initscript_send(script->hidden, "", 1, &ruleset, 1))
		return -1;
	return ask(session, session->confinement->restrict_self, &call);
}

static bool live_can_scope_signals(struct initscript_script *script)
{
	struct session *session = session_of(script);
	const struct initscript_call none = {0};
	return ask(session, session->confinement->can_scope_signals, &none) != 0;
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
	int script_end = session->confinement->pair[1];
	int hidden = initscript_duplicate_above(script_end, INITSCRIPT_EXTRA_FD);
	if (hidden < 0)
		return fail(session, "fcntl");
	session->script.hidden = hidden;
	session->script.hidden_end = hidden + 1;
	/* Of a program that has closed its standard streams these may have their numbers. */
	const int known[] = {session->confinement->pair[0], script_end,
	                     session->confinement->tasks};
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
	lua_State *L = session->script.L;
	const char *chunk_name = lua_pushfstring(L, "@%s", c->script_name);
	/* Too little memory is an error, too, not the end of the process. */
	session->script.L = NULL;
	bool loaded = luaL_loadbufferx(L, c->script, c->script_length, chunk_name, "t") == 0;
	session->script.L = L;
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
	struct initscript_script *script = &session->script;
	if (!unshare_descriptors())
		return fail(session, "unshare");
	if (!take_descriptors(session))
		return false;
	script->operations = &live_operations;
	script->arena.limit = SIZE_MAX;
	if (!initscript_script_open(script)) {
		errno = ENOMEM;
		return fail(session, "mmap");
	}
	replace_functions(script->L);
	script->arena.limit = session->confinement->memory_limit;
	if (can_be_loaded(session))
		return true;
	initscript_script_close(script);
	return false;
}

static void run(struct session *session)
{
	const struct initscript_confinement *c = session->confinement;
	struct initscript_script *script = &session->script;
	if (c->arg >= 0) {
		lua_pushinteger(script->L, INITSCRIPT_ARG_FD);
		lua_setglobal(script->L, "arg");
	}
	if (!initscript_script_run(script, c->script_name, c->script, c->script_length)) {
		initscript_script_close(script);
		exit(1);
	}
	fflush(stdout);
	/* As in a child: what the script opened is closed before its finalizers run. */
	if (!initscript_close_range(INITSCRIPT_INBOX_FD, script->hidden - 1) ||
	    !initscript_close_range(script->hidden_end, ~0U))
		initscript_end_half_confined();
	initscript_script_close(script);
}

/* The script's thread has its own, and once the script has run a filter may forbid close(2). */
static long close_script_end(struct initscript_confinement *confinement,
                             struct initscript_call *none)
{
	(void)none;
	close(confinement->pair[1]);
	confinement->pair[1] = -1;
	return 0;
}

static void *script_thread(void *argument)
{
	struct session *session = argument;
	const struct initscript_call none = {0};
	session->ready = prepare(session);
	if (session->ready) {
		ask(session, close_script_end, &none);
		run(session);
	}
	session->operation = NULL;
	sem_post(&session->asked);
	return NULL;
}

/* The program's side. */

static bool start_thread(struct session *session, pthread_t *thread)
{
	pthread_attr_t attributes;
	sigset_t all, mask;
	sigfillset(&all);
	errno = pthread_attr_init(&attributes);
	if (errno != 0)
		return fail(session, "pthread_attr_init");
	pthread_attr_setstack(&attributes, session->confinement->stack,
	                      session->confinement->stack_size);
	/* The Go runtime's handlers have no business there: the descriptors they use are closed. */
	pthread_sigmask(SIG_SETMASK, &all, &mask);
	errno = pthread_create(thread, &attributes, script_thread, session);
	bool started = errno == 0 || fail(session, "pthread_create");
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	pthread_attr_destroy(&attributes);
	return started;
}

/* Does what the script asks for, until its thread ends. */
static void serve(struct session *session)
{
	for (;;) {
		wait_for(&session->asked);
		if (!session->operation)
			return;
		session->result = session->operation(session->confinement, &session->call);
		sem_post(&session->answered);
	}
}

int initscript_confine(struct initscript_confinement *confinement,
                       struct initscript_refusal *refusal)
{
	struct session session = {.confinement = confinement, .refusal = refusal};
	pthread_t thread;
	session.script.start_socket = -1; /* nobody waits for records: stderr and the status tell */
	sem_init(&session.asked, 0, 0);
	sem_init(&session.answered, 0, 0);
	if (!start_thread(&session, &thread))
		return -1;
	serve(&session);
	pthread_join(thread, NULL);
	return session.ready ? 0 : -1;
}
