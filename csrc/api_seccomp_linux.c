/*
 * The call seccomp_set_mode_filter of scripts. The guard is renewed right before, since the filter
 * may refuse that afterwards. A filter whose length the kernel would cut is refused.
 */
#include "api.h"
#include "script_guard.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's ABI fixes these values; headers older than it lack the names. */
#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER /* Linux 5.0 */
#define SECCOMP_FILTER_FLAG_NEW_LISTENER (1UL << 3)
#endif
#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH /* Linux 5.7 */
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1UL << 4)
#endif

static const struct initscript_flag filter_flags[] = {
        {"tsync", SECCOMP_FILTER_FLAG_TSYNC},
        {"log", SECCOMP_FILTER_FLAG_LOG},
        {"spec_allow", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
        {"new_listener", SECCOMP_FILTER_FLAG_NEW_LISTENER},
        {NULL, 0},
};

static uint64_t read_filter_flags(lua_State *L)
{
	uint64_t flags = 0;
	if (!lua_istable(L, 2))
		luaL_error(L, "table expected for argument 2");
	if (!initscript_flags(L, 2, filter_flags, &flags))
		luaL_error(L, "invalid SECCOMP_FILTER_FLAG");
	initscript_exact_list(L, 2, 2, NULL);
	return flags;
}

/* Returns the listener, 0 without one, or -1. A listener is a descriptor of the thread that makes
 * the call, so the script's must. */
static long set_filter(lua_State *L, uint64_t flags, const struct sock_fprog *program)
{
	bool tsync = flags & SECCOMP_FILTER_FLAG_TSYNC;
	bool new_listener = flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* What is positive would else be the listener or the thread that cannot be synchronised. */
	if (tsync && new_listener)
		flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	const unsigned operation = SECCOMP_SET_MODE_FILTER;
	long result = new_listener ? syscall(SYS_seccomp, operation, flags, program)
	                           : initscript_change(L, SYS_seccomp, operation, flags,
	                                               (long)program, 0, 0);
	if (result > 0 && !new_listener) {
		errno = ESRCH; /* that thread's id is no success */
		return -1;
	}
	return result;
}

static int l_seccomp_set_mode_filter(lua_State *L)
{
	/* A number is what C.read(), as the only argument, leaves behind its string. */
	bool has_flags = !lua_isnoneornil(L, 2) && lua_type(L, 2) != LUA_TNUMBER;
	uint64_t flags = has_flags ? read_filter_flags(L) : 0;
	if (initscript_operations_of(L)->every_thread) {
		flags |= SECCOMP_FILTER_FLAG_TSYNC;
		has_flags = true;
	}
	size_t length;
	const char *bytes = initscript_bytes(L, 1, &length);
	size_t count = length / sizeof(struct sock_filter);
	/* The kernel counts with 16 bits: of a filter that is too long only the count's rest would
	 * be installed, which may allow everything. */
	if (count == 0 || count > UINT16_MAX || length % sizeof(struct sock_filter) != 0) {
		errno = EINVAL;
		return initscript_result(L, "seccomp_set_mode_filter", -1);
	}
	struct sock_fprog program = {
	        .len = count,
	        .filter = (struct sock_filter *)bytes,
	};
	initscript_guard_before_filter(L);
	return initscript_result(L, "seccomp_set_mode_filter",
	                         has_flags ? set_filter(L, flags, &program)
	                                   : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

const struct initscript_function initscript_seccomp_functions[] = {
        {"seccomp_set_mode_filter", l_seccomp_set_mode_filter},
        {NULL, NULL},
};
