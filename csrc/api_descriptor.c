#include "api.h"

#include <errno.h>
#include <fcntl.h>
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
	int flags = initscript_integer(L, 1);
	int pair[2];
	int result = pipe2(pair, flags);
	return pair_result(L, "pipe2", result, pair);
}

static int l_socketpair(lua_State *L)
{
	int domain = initscript_integer(L, 1);
	int type = initscript_integer(L, 2);
	int protocol = initscript_integer(L, 3);
	int pair[2];
	int result = socketpair(domain, type, protocol, pair);
	return pair_result(L, "socketpair", result, pair);
}

/* The commands a script can use: others take pointers. */
static const struct command {
	int number;
	bool has_argument;
} commands[] = {
        {F_DUPFD, true},       {F_DUPFD_CLOEXEC, true}, {F_GETFD, false},    {F_SETFD, true},
        {F_GETFL, false},      {F_SETFL, true},         {F_ADD_SEALS, true}, {F_GET_SEALS, false},
#ifdef F_GETPIPE_SZ /* Linux */
        {F_GETPIPE_SZ, false}, {F_SETPIPE_SZ, true},
#endif
};

static const struct command *find_command(int number)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (commands[i].number == number)
			return &commands[i];
	return NULL;
}

static int l_fcntl(lua_State *L)
{
	int fd = initscript_fd(L, 1);
	int number = initscript_integer(L, 2);
	const struct command *command = find_command(number);
	if (!command) {
		errno = EINVAL;
		return initscript_result(L, "fcntl", -1);
	}
	int argument = command->has_argument ? initscript_integer(L, 3) : 0;
	return initscript_result(L, "fcntl", fcntl(fd, number, argument));
}

const struct initscript_function initscript_descriptor_functions[] = {
        {"pipe2", l_pipe2},
        {"socketpair", l_socketpair},
        {"fcntl", l_fcntl},
        {NULL, NULL},
};
