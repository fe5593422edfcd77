/*
 * Calls of scripts that Emilua does not have: fcntl for duplicates, flags and seals, pipe2,
 * socketpair. They refuse what they do not understand.
 */
#include "api.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

/* The end of a call that makes two descriptors. */
static int pair_result(lua_State *L, const char *name, int result, const int pair[2])
{
	int error = 0;
	if (result == -1) {
		error = errno;
		initscript_errexit(L, name, error, INITSCRIPT_CALL);
	}
	lua_pushinteger(L, result == -1 ? -1 : pair[0]);
	lua_pushinteger(L, result == -1 ? -1 : pair[1]);
	lua_pushinteger(L, error);
	return 3;
}

static int l_pipe2(lua_State *L)
{
	int flags = initscript_exact_flags(L, 1);
	int pair[2];
	int result = pipe2(pair, flags);
	return pair_result(L, "pipe2", result, pair);
}

static int l_socketpair(lua_State *L)
{
	int domain = initscript_exact_int(L, 1);
	int type = initscript_exact_int(L, 2);
	int protocol = initscript_exact_int(L, 3);
	int pair[2];
	int result = socketpair(domain, type, protocol, pair);
	return pair_result(L, "socketpair", result, pair);
}

/* The commands a script can use: others take pointers. MIN and MAX are for arguments of which the
 * kernel would ignore a part. */
static const struct command {
	int number;
	bool has_argument;
	int min, max;
} commands[] = {
        {F_DUPFD, true, INT_MIN, INT_MAX},
        {F_DUPFD_CLOEXEC, true, INT_MIN, INT_MAX},
        {F_GETFD, false, 0, 0},
        {F_SETFD, true, 0, FD_CLOEXEC},
        {F_GETFL, false, 0, 0},
        {F_SETFL, true, 0, INT_MAX},
        {F_ADD_SEALS, true, INT_MIN, INT_MAX},
        {F_GET_SEALS, false, 0, 0},
#ifdef F_GETPIPE_SZ /* Linux */
        {F_GETPIPE_SZ, false, 0, 0},
        {F_SETPIPE_SZ, true, INT_MIN, INT_MAX},
#endif
};

static const struct command *find_command(int number)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (commands[i].number == number)
			return &commands[i];
	return NULL;
}

/* Flags that F_SETFL cannot set, and F_GETFL does not return. */
enum { FLAGS_OF_OPEN = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC };

static int command_argument(lua_State *L, const struct command *command)
{
	if (!command->has_argument)
		return 0;
	int argument = initscript_exact(L, 3, command->min, command->max);
	if (command->number == F_SETFL && argument & FLAGS_OF_OPEN)
		luaL_argerror(L, 3,
		              lua_pushfstring(L, "%d has flags that F_SETFL cannot set", argument));
	return argument;
}

static int l_fcntl(lua_State *L)
{
	int fd = initscript_exact_fd(L, 1);
	int number = initscript_exact_int(L, 2);
	const struct command *command = find_command(number);
	if (!command) {
		errno = EINVAL;
		return initscript_result(L, "fcntl", -1);
	}
	int argument = command_argument(L, command);
	return initscript_result(L, "fcntl", fcntl(fd, number, argument));
}

const struct initscript_function initscript_descriptor_functions[] = {
        {"pipe2", l_pipe2},
        {"socketpair", l_socketpair},
        {"fcntl", l_fcntl},
        {NULL, NULL},
};
