/*
 * What Linux and FreeBSD do differently in the steps of a start; sys_births.h has the server's
 * part. The functions are in sys_process_linux.c and sys_process_freebsd.c.
 */
#ifndef INITSCRIPT_SYS_PROCESS_H
#define INITSCRIPT_SYS_PROCESS_H

#include "util_types.h"
#include "wire.h"

#include <stdbool.h>
#include <sys/types.h>

/* Executes the file behind the descriptor FILE, which needs no path. Makes system calls only, so it
 * may follow vfork(2). Returns only on failure, with errno set. */
void initscript_execute_file(int file, char *const argv[], char *const envp[]);

/* Whether the other end of a socket pair was made by our parent process. */
bool initscript_is_parents_socket(int socket);

/* Whether the kernel asks for care with the environment: set-user-ID and the like. */
bool initscript_is_secure(void);

/* Writes what the server has to know of the calling thread, the host's. False with errno set:
 * capget(2). */
bool initscript_make_greeting(struct initscript_greeting *greeting);

/* Gives up what the host did not have when it wrote GREETING, but execve(2) has given back. */
bool initscript_limit_rights(const struct initscript_greeting *greeting);

/* Sets the disposition of every signal to the default. */
void initscript_reset_signals(void);

/* Empties the environment. */
void initscript_clear_environment(void);

/* Gives this process the name that tools show. */
void initscript_set_name(const char *name);

/* What children know of the fork server, their parent. */
struct initscript_parent {
	pid_t pid;
	int lock; /* Linux: a file that the server has locked, close-on-exec; else -1 */
};

/* Describes the calling process to its children. */
struct initscript_parent initscript_as_parent(void);

/* Takes a new child into the namespaces of REQUEST, and has it killed when SERVER ends; ends it if
 * SERVER has ended already. Returns NULL, or the name of the system call that failed, with errno
 * set. */
const char *initscript_enter(const struct initscript_request *request,
                             const struct initscript_parent *server);

/* Whether a child that was asked for so knows its parent by its number. */
bool initscript_sees_parent(const struct initscript_request *request);

/* Has the calling child killed when SERVER ends, and ends it if SERVER has ended. VERIFY: a filter
 * may refuse system calls, or only pretend to make them. Returns NULL, or the name of the system
 * call that failed, with errno set: EPERM if it was not made. */
const char *initscript_die_with_server(const struct initscript_parent *server, bool sees_server,
                                       bool verify);

/* Whether what follows the script runs in a child of the script's process (role_pid1.h). BOOTS_GO:
 * it is an actor in Go. */
bool initscript_forks_again(const struct initscript_request *request, bool boots_go);

/* Has the calling child of initscript_fork_from_pid1() killed when PARENT ends, where the kernel
 * does not see to that by itself. Ends it if PARENT has ended. */
void initscript_die_with(pid_t parent);

/* Asks for a child that no kernel makes: -1 with errno EINVAL, if nothing but the kernel answers.
 */
int initscript_fork_nonsense(void);

/* Keeps processes of the same user from looking into this one, until it executes a program. Results
 * and VERIFY as above. */
const char *initscript_become_undumpable(bool verify);

/* Lets them, and whether they are let. */
void initscript_become_dumpable(void);
bool initscript_is_dumpable(void);

/* Whether clock_gettime(2) needs no system call here. */
bool initscript_clock_is_quiet(void);

/* Sends a signal through the descriptor of a process: 0, or -1 with errno set. */
int initscript_signal_process(int process, int signal);

#endif
