#include "jailtest.h"

/* The file itself: its name keeps it out of what is built for Linux. */
#include "../../csrc/api_jail_freebsd.c"

#include <lualib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of package initscript, which is not linked. */
const struct initscript_constant initscript_constants[] = {{NULL, 0}};

static struct jailtest_result *result;
static const char *failing_call;
static int failing_errno;

/* Notes a call, which the test can have fail. */
__attribute__((format(printf, 1, 2))) static int call(const char *format, ...)
{
	char text[256];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	size_t length = strlen(result->calls);
	snprintf(result->calls + length, sizeof result->calls - length, "%s\n", text);
	if (strcmp(text, failing_call) != 0)
		return 0;
	errno = failing_errno;
	return -1;
}

static int fake_init(struct jailparam *param, const char *name)
{
	if (call("init %s", name) != 0)
		return -1;
	*param = (struct jailparam){0};
	result->leaked++;
	return 0;
}

static int fake_import(struct jailparam *param, const char *value)
{
	(void)param;
	return call("import %s", value);
}

static int fake_set(struct jailparam *params, unsigned count, int flags)
{
	(void)params;
	return call("set %u %#x", count, flags) == 0 ? 7 : -1;
}

static void fake_free(struct jailparam *params, unsigned count)
{
	(void)params;
	result->leaked -= count;
	errno = EDOM; /* what is reported must be older */
}

static int fake_attach(int jid)
{
	return call("attach %d", jid);
}

const struct initscript_libjail initscript_libjail = {
        .init = fake_init,
        .import = fake_import,
        .set = fake_set,
        .free = fake_free,
        .attach = fake_attach,
};

/* Puts the functions into the table C, which knows those of Linux. */
static void add_functions(lua_State *L)
{
	lua_getglobal(L, "C");
	for (const struct initscript_function *f = initscript_jail_functions; f->name; f++) {
		lua_pushcfunction(L, f->function);
		lua_setfield(L, -2, f->name);
	}
	lua_pop(L, 1);
}

/* The script's values, as texts. */
static void report(lua_State *L, int first)
{
	size_t length = 0;
	for (int i = first; i <= lua_gettop(L); i++) {
		const char *text = lua_isnil(L, i) ? "nil" : lua_tostring(L, i);
		length += snprintf(result->report + length, sizeof result->report - length, "%s%s",
		                   i > first ? " " : "", text);
	}
}

void jailtest_run(const char *text, const char *failing, int error, struct jailtest_result *to_fill)
{
	struct initscript_script script = {.start_socket = -1, .arena.limit = 64 << 20};
	*to_fill = (struct jailtest_result){0};
	result = to_fill;
	failing_call = failing;
	failing_errno = error;
	lua_State *L = initscript_script_open(&script);
	if (!L)
		abort();
	add_functions(L);
	if (luaL_loadbuffer(L, text, strlen(text), "@init.script") == 0)
		lua_pcall(L, 0, LUA_MULTRET, 0);
	report(L, 1);
	initscript_script_close(&script);
}
