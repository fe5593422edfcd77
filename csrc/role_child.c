/*
 * The steps of a child, from its birth to its program, in the order of docs/internals/design.md.
 * The server calls it once in each child. It returns only in a process that becomes an actor in Go.
 * A failure on the way is told to the host and ends the process, and nothing that was to follow
 * happens.
 */
#include "role_child.h"

#include "role_actor.h"
#include "role_exec.h"
#include "role_lua_actor.h"
#include "role_pid1.h"
#include "script_environment.h"
#include "script_guard.h"
#include "sys_image.h"
#include "sys_process.h"
#include "tell_report.h"
#include "util_fds.h"
#include "util_socket.h"
#include "util_stack.h"
#include "util_strings.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct child {
	struct initscript_script *script;
	const struct initscript_request *request;
	struct initscript_go_ahead go_ahead;
	struct initscript_guard guard;
	const char *plan_base;
	const struct initscript_plan *plan;
};

static noreturn void fail(const struct child *child, const char *system_call)
{
	initscript_fail_setup(child->script, system_call);
}

static bool is_lua_actor(const struct child *child)
{
	return child->plan->module || child->plan->module_source;
}

static bool is_actor(const struct child *child)
{
	return child->plan->entry || is_lua_actor(child);
}

static bool is_script_only(const struct child *child)
{
	return !child->plan->path && !is_actor(child);
}

static bool forks_again(const struct child *child)
{
	return !is_script_only(child) && initscript_forks_again(child->request, child->plan->entry);
}

static void enter_namespaces(const struct child *child)
{
	const char *failed = initscript_enter(child->request, &child->guard.server);
	if (failed)
		fail(child, failed);
	if (child->request->announce)
		initscript_report(child->script->start_socket, INITSCRIPT_NAMESPACES_READY, 0);
}

static void map_plan(struct child *child, int memfd)
{
	child->plan_base = mmap(NULL, child->go_ahead.plan_size, PROT_READ, MAP_PRIVATE, memfd, 0);
	if (child->plan_base == MAP_FAILED)
		fail(child, "mmap");
	child->plan = (const struct initscript_plan *)child->plan_base;
}

/* Moves FD to the number TARGET. Sources have higher numbers than all targets still to come, so
 * nothing that is still needed gets overwritten. */
static void place(const struct child *child, int fd, int target, int flags)
{
	if (dup3(fd, target, flags) != target)
		fail(child, "dup3");
}

/* Moves FD to a number from LOWEST on, out of the way of the script, and of the numbers that are
 * about to be given. */
static int hide(const struct child *child, int fd, int lowest)
{
	int hidden = initscript_duplicate_above(fd, lowest);
	if (hidden < 0)
		fail(child, "fcntl");
	return hidden;
}

static int hide_next(const struct child *child, int fd)
{
	int next = child->script->hidden_end++;
	if (fcntl(fd, F_DUPFD_CLOEXEC, next) != next)
		fail(child, "fcntl");
	return next;
}

/* The start socket, after it the hidden files, which are the last that came, and the server's
 * lock. */
static void hide_files(struct child *child, const int *fds, size_t count)
{
	struct initscript_script *script = child->script;
	script->start_socket = hide(child, script->start_socket, fds[count - 1] + 1);
	script->hidden = script->start_socket;
	script->hidden_end = script->hidden + 1;
	for (size_t i = count - child->go_ahead.hidden_files; i < count; i++)
		hide_next(child, fds[i]);
	if (!child->guard.sees_server)
		child->guard.server.lock = hide_next(child, child->guard.server.lock);
}

/* Receives the plan and the descriptors, and gives these their numbers: 0, 1, 2 stdio, 3 the
 * inbox, 4 arg, from 5 the extra files. 0 to 4 are taken until then, so the kernel gives the
 * new ones higher numbers, in order. */
static void receive_plan(struct child *child)
{
	int fds[INITSCRIPT_MAX_FDS];
	size_t count = INITSCRIPT_MAX_FDS;
	if (!initscript_receive(child->script->start_socket, &child->go_ahead,
	                        sizeof child->go_ahead, fds, &count)) {
		if (errno == ECONNRESET) /* the host gave up */
			_exit(1);
		fail(child, "recvmsg");
	}
	const struct initscript_go_ahead *go_ahead = &child->go_ahead;
	if (count != 5 + !!go_ahead->has_arg + (size_t)go_ahead->extra_files +
	                     !!go_ahead->has_trace + go_ahead->hidden_files) {
		errno = EBADMSG;
		fail(child, "recvmsg");
	}
	map_plan(child, fds[0]);
	if (child->plan->entry)
		initscript_set_name(child->plan_base + child->plan->entry);
	/* Its descriptor is closed below. */
	if (go_ahead->has_trace &&
	    !initscript_script_trace(child->script, fds[count - go_ahead->hidden_files - 1]))
		fail(child, "mmap");
	const int *next = fds + 1;
	for (int target = 0; target < INITSCRIPT_INBOX_FD; target++)
		place(child, *next++, target, 0);
	place(child, *next++, INITSCRIPT_INBOX_FD, O_CLOEXEC);

	hide_files(child, fds, count);
	int extra_end = INITSCRIPT_EXTRA_FD + go_ahead->extra_files;
	if (go_ahead->has_arg)
		place(child, *next++, INITSCRIPT_ARG_FD, O_CLOEXEC);
	else
		close(INITSCRIPT_ARG_FD);
	for (int target = INITSCRIPT_EXTRA_FD; target < extra_end; target++)
		place(child, *next++, target, O_CLOEXEC);
	if (!initscript_close_range(extra_end, child->script->start_socket - 1) ||
	    !initscript_close_range(child->script->hidden_end, ~0U))
		fail(child, "close_range");
}

static void guard_script(struct child *child)
{
	struct initscript_guard *guard = &child->guard;
	guard->is_actor = is_actor(child);
	guard->lives_on = forks_again(child);
	guard->pid = guard->lives_on ? getpid() : 0; /* now, for a filter may refuse it */
	child->script->guard = guard;
}

static void run_script(const void *argument)
{
	const struct child *child = argument;
	struct initscript_script *script = child->script;
	script->arena.limit = child->plan->memory_limit;
	if (child->go_ahead.has_arg) {
		lua_pushinteger(script->L, INITSCRIPT_ARG_FD);
		lua_setglobal(script->L, "arg");
	}
	if (!initscript_script_run(script, child->plan_base + child->plan->script_name,
	                           child->plan_base + child->plan->script,
	                           child->plan->script_length)) {
		initscript_script_close(script);
		exit(1);
	}
	fflush(stdout);
}

static void close_script(const void *argument)
{
	initscript_script_close((struct initscript_script *)argument);
}

/* Whatever the script opened is closed before its finalizers run, as in Emilua, and before any
 * other code does: a forgotten directory would be a way out of the new root. */
static void leave_script(const struct child *child)
{
	struct initscript_script *script = child->script;
	int extra_end = INITSCRIPT_EXTRA_FD + child->go_ahead.extra_files;
	close(INITSCRIPT_ARG_FD);
	if (!initscript_close_range(extra_end, script->start_socket - 1) ||
	    !initscript_close_range(script->hidden_end, ~0U))
		fail(child, "close_range");
	initscript_guard_note_natives(script->L);
	initscript_call_below_gap(close_script, script);
}

/* What finalizers have printed. And a file that is standard input goes on after what the script has
 * taken of it, not after what stdio has read ahead. */
static void flush_stdio(const void *nothing)
{
	(void)nothing;
	fflush(stdout);
	fflush(stderr);
	fflush(stdin);
}

/* For an actor, whose process goes on: its memory becomes what it was before the script, but for
 * the plan. */
static void forget_script(const struct child *child)
{
	struct initscript_script *script = child->script;
	const int start_socket = script->start_socket;
	initscript_call_below_gap(flush_stdio, NULL);
	initscript_wipe_below_gap();
	bool forgotten = initscript_image_restore(child->plan_base, child->go_ahead.plan_size,
	                                          child->guard.has_natives);
	script->start_socket = start_socket;
	if (!forgotten)
		fail(child, "munmap");
}

/* Returns in the process that becomes the program. */
static void fork_program(const struct child *child)
{
	const char *failed;
	pid_t program = initscript_fork_from_pid1(&child->guard, &failed);
	if (program < 0)
		fail(child, failed);
	if (program == 0)
		return;
	if (munmap((void *)child->plan_base, child->go_ahead.plan_size) != 0)
		fail(child, "munmap");
	initscript_pid1(child->script, program);
}

/* What has guarded the script's process and is not for the actor. */
static void unguard_actor(const struct child *child)
{
	const struct initscript_guard *guard = &child->guard;
	if (guard->was_dumpable)
		initscript_become_dumpable();
	if (!guard->sees_server)
		close(guard->server.lock);
}

static noreturn void run_program(const struct child *child)
{
	const struct initscript_plan *plan = child->plan;
	if (plan->path == 0) {
		initscript_report(child->script->start_socket, INITSCRIPT_SCRIPT_DONE, 0);
		exit(0);
	}
	for (unsigned i = 0; i < child->go_ahead.extra_files; i++)
		place(child, INITSCRIPT_EXTRA_FD + i, 3 + i, 0);
	char **argv = initscript_strings(child->plan_base + plan->argv, plan->argc);
	char **envp = initscript_strings(child->plan_base + plan->envp, plan->envc);
	if (!argv || !envp)
		fail(child, "malloc");
	initscript_exec(child->script, child->plan_base + plan->path, argv, envp);
}

static noreturn void run_lua_actor(const struct child *child)
{
	struct initscript_lua_actor actor = {
	        .start_socket = child->script->start_socket,
	        .parent_fd = child->script->start_socket + 1 + INITSCRIPT_PARENT,
	        .extra_files = child->go_ahead.extra_files,
	        .plan = (void *)child->plan_base,
	        .plan_size = child->go_ahead.plan_size,
	};
	initscript_run_lua_actor(&actor);
}

/* Nothing of the plan stays but what the actor gets: no script, no arguments of it. */
static void become_actor(const struct child *child)
{
	const struct initscript_plan *plan = child->plan;
	struct initscript_actor actor = {
	        .start_socket = child->script->start_socket,
	        .extra_files = child->go_ahead.extra_files,
	};
	if (!initscript_become_actor(&actor, child->plan_base, plan))
		fail(child, "malloc");
	initscript_wipe_below_gap();
	if (!initscript_report(actor.start_socket, INITSCRIPT_SCRIPT_DONE, 0))
		_exit(1); /* the host would wait for it */
	munmap((void *)child->plan_base, child->go_ahead.plan_size);
}

void initscript_child(struct initscript_script *script, const struct initscript_request *request,
                      int start_socket, const struct initscript_parent *server)
{
	struct child child = {
	        .script = script,
	        .request = request,
	        .guard = {.server = *server, .sees_server = initscript_sees_parent(request)},
	};
	script->start_socket = script->hidden = start_socket;
	script->hidden_end = start_socket + 1;
	enter_namespaces(&child);
	receive_plan(&child);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	guard_script(&child);
	initscript_call_below_gap(run_script, &child);
	leave_script(&child);
	if (!is_script_only(&child))
		initscript_guard_before_program(script);
	if (child.guard.lives_on)
		fork_program(&child);
	if (!is_actor(&child))
		run_program(&child);
	forget_script(&child);
	unguard_actor(&child); /* now that there is nothing to look for in it */
	if (is_lua_actor(&child))
		run_lua_actor(&child);
	become_actor(&child);
}
