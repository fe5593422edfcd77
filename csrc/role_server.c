/*
 * The fork server's loop. The constructor calls it in a process that a host has made for this. It
 * returns only in a child that becomes an actor; the server itself ends with its host, and with it
 * all children that were not detached.
 */
#include "role_server.h"

#include "role_child.h"
#include "script_environment.h"
#include "sys_births.h"
#include "sys_image.h"
#include "sys_process.h"
#include "util_failure.h"
#include "util_fds.h"
#include "util_socket.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <search.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONTROL = INITSCRIPT_SERVER_FD };

struct child {
	pid_t pid; /* the key, so it comes first */
	uint64_t id;
	bool detached; /* may outlive the host */
};

struct server {
	void *children; /* tsearch(3) tree of struct child */
	int births;     /* tells when a child has ended */
	struct initscript_parent self;
	bool retired;                    /* starts nothing more */
	struct initscript_script script; /* what every child begins with */
};

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;
	return (x > y) - (x < y);
}

/* Terminal signals must not end the server before its host: they are meant for the children,
 * which get default dispositions from here and an empty mask at their birth. */
static bool take_over_signals(struct server *server)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	initscript_reset_signals();
	server->births = initscript_births_open();
	return server->births >= 0;
}

/* Keeps nothing of the host's: stdio is the null device (a pipe held open here would never reach
 * its end), the control socket has a fixed number. */
static bool take_over_descriptors(int control)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0) /* no /dev in this root: a descriptor that fails to read is as good */
		null = open("/", O_PATH | O_CLOEXEC);
	if (null < 0 || control == CONTROL)
		return null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2;
	return dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2 &&
	       dup3(control, CONTROL, O_CLOEXEC) == CONTROL;
}

static void kill_child(const void *node, VISIT visit, int depth)
{
	(void)depth;
	const struct child *child = *(struct child *const *)node;
	if ((visit == preorder || visit == leaf) && !child->detached)
		kill(child->pid, SIGKILL);
}

/* The host is gone or wants no more children: nothing may be left behind but what was detached.
 * That would get its parent-death signal if this process ended first. */
static noreturn void end(struct server *server)
{
	close(CONTROL);
	twalk(server->children, kill_child);
	initscript_reap_all(server->births);
	_exit(0);
}

static struct child *remember(struct server *server, pid_t pid, uint64_t id)
{
	struct child *child = malloc(sizeof *child);
	if (!child)
		abort(); /* the children die with this process, and the host sees its end */
	*child = (struct child){.pid = pid, .id = id};
	if (!tsearch(child, &server->children, compare_pids))
		abort();
	return child;
}

static void forget(struct server *server, struct child *child)
{
	tdelete(child, &server->children, compare_pids);
	free(child);
}

/* An event that cannot be told means that the host is gone. */
static void tell(struct server *server, const struct initscript_event *event)
{
	if (!initscript_send(CONTROL, event, sizeof *event, NULL, 0))
		end(server);
}

static int64_t microseconds(struct timeval t)
{
	return t.tv_sec * INT64_C(1000000) + t.tv_usec;
}

static void reap(struct server *server)
{
	initscript_births_drain(server->births);
	int status;
	pid_t pid;
	struct rusage usage;
	while ((pid = initscript_reap(server->births, &status, &usage)) > 0) {
		struct child **node = tfind(&pid, &server->children, compare_pids);
		if (!node)
			continue; /* not announced, or an orphan when this is a subreaper */
		struct initscript_event ended = {
		        .kind = INITSCRIPT_ENDED,
		        .id = (*node)->id,
		        .status = status,
		        .pid = pid,
		        .user_microseconds = microseconds(usage.ru_utime),
		        .system_microseconds = microseconds(usage.ru_stime),
		        .max_rss_kilobytes = usage.ru_maxrss,
		        .minor_faults = usage.ru_minflt,
		        .major_faults = usage.ru_majflt,
		        .voluntary_switches = usage.ru_nvcsw,
		        .involuntary_switches = usage.ru_nivcsw,
		};
		forget(server, *node);
		tell(server, &ended);
	}
}

static void tell_not_born(struct server *server, uint64_t id, const char *call)
{
	struct initscript_event not_born = {.kind = INITSCRIPT_NOT_BORN, .id = id, .error = errno};
	strncpy(not_born.call, call, sizeof not_born.call - 1);
	tell(server, &not_born);
}

/* Tells the host of a child. One that the host does not learn of it could neither signal nor end.
 */
static void tell_born(struct server *server, struct child *child, int pidfd)
{
	const struct initscript_event born = {
	        .kind = INITSCRIPT_BORN,
	        .id = child->id,
	        .pid = child->pid,
	};
	if (initscript_send(CONTROL, &born, sizeof born, &pidfd, pidfd >= 0))
		return;
	/* ETOOMANYREFS: too many descriptors of this user are in flight. */
	int error = errno;
	uint64_t id = child->id;
	kill(child->pid, SIGKILL);
	forget(server, child);
	errno = error;
	tell_not_born(server, id, "sendmsg");
}

/* Returns true in a child that is to become an actor. DIRECTORY may be -1. */
static bool start(struct server *server, const struct initscript_request *request, int start_socket,
                  int directory)
{
	INITSCRIPT_AUTO_CLOSE int pidfd = -1;
	pid_t pid = -1;
	const char *call = "fchdir";
	/* Before the birth: in a new mount namespace this descriptor would lead out of it. */
	if (directory < 0 || fchdir(directory) == 0)
		pid = initscript_give_birth(server->births, request, &pidfd, &call);
	if (pid == 0) {
		initscript_child(&server->script, request, start_socket, &server->self);
		return true;
	}
	if (pid < 0)
		tell_not_born(server, request->id, call);
	else
		tell_born(server, remember(server, pid, request->id), pidfd);
	if (chdir("/") != 0) {
		/* Only keeps the directory busy until the next start. */
	}
	return false;
}

/* The child that the request names, or NULL if it has ended. */
static struct child *find(struct server *server, const struct initscript_request *request)
{
	pid_t pid = request->pid;
	struct child **node = tfind(&pid, &server->children, compare_pids);
	return node && (*node)->id == request->id ? *node : NULL;
}

static void detach(struct server *server, const struct initscript_request *request)
{
	struct child *child = find(server, request);
	if (child)
		child->detached = true;
}

static void kill_one(struct server *server, const struct initscript_request *request)
{
	const struct child *child = find(server, request);
	if (child)
		kill(child->pid, SIGKILL);
}

static void retire(struct server *server)
{
	const struct initscript_event retired = {.kind = INITSCRIPT_RETIRED};
	server->retired = true;
	tell(server, &retired);
}

/* Returns true in a child that is to become an actor. */
static bool serve_start(struct server *server, const struct initscript_request *request,
                        const int *fds, size_t fd_count)
{
	if (!server->retired && fd_count > 0)
		return start(server, request, fds[0], fd_count == 2 ? fds[1] : -1);
	errno = server->retired ? ESHUTDOWN : EBADMSG; /* no honest host asks for that */
	tell_not_born(server, request->id, "fork");
	return false;
}

/* Returns true in a child that is to become an actor. */
static bool serve_one(struct server *server)
{
	struct initscript_request request;
	int fds[2];
	size_t fd_count = 2;
	if (!initscript_receive(CONTROL, &request, sizeof request, fds, &fd_count))
		end(server);
	if (request.kind == INITSCRIPT_DETACH)
		detach(server, &request);
	else if (request.kind == INITSCRIPT_KILL)
		kill_one(server, &request);
	else if (request.kind == INITSCRIPT_RETIRE)
		retire(server);
	else if (serve_start(server, &request, fds, fd_count))
		return true;
	for (size_t i = 0; i < fd_count; i++)
		close(fds[i]);
	return false;
}

void initscript_serve(int control, const struct initscript_greeting *greeting)
{
	static struct server server;
	server.script.start_socket = -1;
	server.script.arena.limit = SIZE_MAX;
	initscript_clear_environment();
	initscript_set_name("initscript");
	if (!initscript_limit_rights(greeting) || !take_over_signals(&server) ||
	    !take_over_descriptors(control) ||
	    !initscript_close_range(CONTROL + 1, server.births - 1) ||
	    !initscript_close_range(server.births + 1, ~0U) || !initscript_image_save() ||
	    !initscript_script_open(&server.script))
		_exit(1);
	server.self = initscript_as_parent();
	if (!initscript_send(CONTROL, greeting, sizeof *greeting, NULL, 0))
		_exit(1);

	struct pollfd polled[] = {
	        {.fd = CONTROL, .events = POLLIN},
	        {.fd = server.births, .events = POLLIN},
	};
	for (;;) {
		if (poll(polled, 2, -1) < 0)
			continue; /* EINTR: a debugger stopped us; every signal is blocked */
		if (polled[1].revents)
			reap(&server);
		if (polled[0].revents && serve_one(&server))
			return;
	}
}
