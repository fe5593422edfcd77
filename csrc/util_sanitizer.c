/*
 * Options of the sanitizers, for builds with them (make test). They cannot come from the
 * environment: the fork server starts with an empty one.
 */
#ifdef __SANITIZE_ADDRESS__

#define VISIBLE __attribute__((visibility("default")))
VISIBLE const char *__asan_default_options(void);
VISIBLE const char *__ubsan_default_options(void);

/* A signal, because the exit status 1 is what a script that fails ends with. Leaks are not looked
 * for: a child that exits still has its Lua state, and the search needs rights (ptrace) that a
 * sandbox takes away. */
const char *__asan_default_options(void)
{
	return "abort_on_error=1:detect_leaks=0";
}

const char *__ubsan_default_options(void)
{
	return "abort_on_error=1";
}

#endif
