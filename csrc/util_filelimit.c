/*
 * The limit of open files from before Go has raised it. The constructor notes it, before the Go
 * runtime boots; the launcher of the server asks for it.
 */
#include "util_filelimit.h"

static struct rlimit before_go; /* all zero: not known */

void initscript_note_file_limit(void)
{
	if (getrlimit(RLIMIT_NOFILE, &before_go) != 0)
		before_go = (struct rlimit){0}; /* a seccomp filter forbids it */
}

/* Go's value is one below the hard limit, which a program hardly chooses for itself. Go's own
 * os/exec recognizes it by the same. */
bool initscript_file_limit_before_go(struct rlimit *limit)
{
	struct rlimit now;
	*limit = before_go;
	return before_go.rlim_max > 0 && before_go.rlim_cur < before_go.rlim_max - 1 &&
	       getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == before_go.rlim_max - 1 &&
	       now.rlim_max == before_go.rlim_max;
}
