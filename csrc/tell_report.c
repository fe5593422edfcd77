/*
 * Records on the start socket. The child and what it runs call it; a failure of it changes
 * nothing, but for initscript_fail_setup(), after which the process has ended.
 */
#include "tell_report.h"

#include "script.h"
#include "sys_process.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_STRING = 256, MAX_ARGUMENTS = 16 };

struct builder {
	union {
		struct initscript_record record;
		char bytes[INITSCRIPT_RECORD_SIZE];
	};
	size_t length;
};

static void begin(struct builder *b, enum initscript_record_kind kind, int error, int line)
{
	b->record = (struct initscript_record){.kind = kind, .error = error, .line = line};
	b->length = sizeof b->record;
}

static void add(struct builder *b, const char *bytes, size_t length)
{
	uint32_t size;
	size_t room = sizeof b->bytes - b->length;
	if (room < sizeof size)
		return;
	size = length < room - sizeof size ? length : room - sizeof size;
	memcpy(b->bytes + b->length, &size, sizeof size);
	if (size)
		memcpy(b->bytes + b->length + sizeof size, bytes, size);
	b->length += sizeof size + size;
	b->record.fields++;
}

static bool send_record(int fd, const struct builder *b)
{
	return fd >= 0 && send(fd, b->bytes, b->length, INITSCRIPT_SEND_FLAGS) >= 0;
}

bool initscript_report(int fd, enum initscript_record_kind kind, int error)
{
	return initscript_report_strings(fd, kind, error, 0, NULL, 0);
}

bool initscript_report_strings(int fd, enum initscript_record_kind kind, int error, int line,
                               const char *const *strings, size_t count)
{
	struct builder b;
	begin(&b, kind, error, line);
	for (size_t i = 0; i < count; i++)
		add(&b, strings[i], strings[i] ? strlen(strings[i]) : 0);
	return send_record(fd, &b);
}

bool initscript_report_explanation(int fd, const struct initscript_notes *notes,
                                   const struct initscript_seen_path *paths, size_t count,
                                   const char *text)
{
	struct builder b;
	begin(&b, INITSCRIPT_EXPLANATION, 0, 0);
	add(&b, (const char *)notes, sizeof *notes);
	add(&b, (const char *)paths, count * sizeof *paths);
	add(&b, text, strlen(text));
	return send_record(fd, &b);
}

void initscript_fail_setup(const struct initscript_script *script, const char *call)
{
	int error = errno;
	if (script->notes.lines[INITSCRIPT_NOTE_SECCOMP])
		initscript_report_explanation(script->start_socket, &script->notes, NULL, 0, "");
	initscript_report_strings(script->start_socket, INITSCRIPT_SETUP_FAILED, error, 0, &call,
	                          1);
	_exit(1);
}

/* One argument as the script's author would write it: the host shows it, nobody parses it. */
static void add_argument(struct builder *b, lua_State *L, int index)
{
	char text[MAX_STRING * 4 + 8], *out = text;
	size_t length;
	switch (lua_type(L, index)) {
	case LUA_TSTRING: {
		const char *s = lua_tolstring(L, index, &length);
		size_t shown = length < MAX_STRING ? length : MAX_STRING;
		*out++ = '"';
		for (size_t i = 0; i < shown; i++) {
			unsigned char c = s[i];
			if (c == '"' || c == '\\')
				*out++ = '\\', *out++ = c;
			else if (c < ' ' || c >= 127)
				out += sprintf(out, "\\%03d", c);
			else
				*out++ = c;
		}
		*out++ = '"';
		if (shown < length)
			out += sprintf(out, "...");
		break;
	}
	case LUA_TNUMBER:
		out += sprintf(out, "%.14g", lua_tonumber(L, index));
		break;
	case LUA_TBOOLEAN:
		out += sprintf(out, "%s", lua_toboolean(L, index) ? "true" : "false");
		break;
	case LUA_TNIL:
		out += sprintf(out, "nil");
		break;
	default:
		out += sprintf(out, "(%s)", luaL_typename(L, index));
	}
	add(b, text, out - text);
}

/* Not of a file or a text that the script has loaded, whose lines have other numbers. */
static bool is_line_of_script(lua_State *L, const lua_Debug *frame)
{
	const char *name = initscript_script_of(L)->name;
	return frame->currentline > 0 && name && frame->source[0] == '@' &&
	       strcmp(frame->source + 1, name) == 0;
}

int initscript_script_line(lua_State *L)
{
	lua_Debug frame;
	for (int level = 1; lua_getstack(L, level, &frame); level++)
		if (lua_getinfo(L, "Sl", &frame) && is_line_of_script(L, &frame))
			return frame.currentline;
	return 0;
}

void initscript_report_call(lua_State *L, const char *name, int error)
{
	int arguments = lua_gettop(L);
	while (arguments > 0 && lua_isnil(L, arguments)) /* what lua_settop() added */
		arguments--;
	if (arguments > MAX_ARGUMENTS)
		arguments = MAX_ARGUMENTS;

	struct builder b;
	begin(&b, INITSCRIPT_CALL_FAILED, error, initscript_script_line(L));
	add(&b, name, strcspn(name, "/")); /* without the part that initscript_die() may name */
	size_t length;
	luaL_traceback(L, L, NULL, 1);
	const char *traceback = lua_tolstring(L, -1, &length);
	/* The arguments matter more than the end of a very long traceback. */
	size_t half = sizeof b.bytes / 2;
	add(&b, traceback, length < half ? length : half);
	lua_pop(L, 1);
	for (int i = 1; i <= arguments; i++)
		add_argument(&b, L, i);
	send_record(initscript_script_of(L)->start_socket, &b);
}

/* So many announcements fit into the socket in any case: a script that tries more often must not
 * block for want of a reader. The last one is taken back only when the script calls exit(3). */
enum { MAX_EXECS = 32 };

static struct initscript_script *last_announced;

static void take_back(void)
{
	if (last_announced->L) /* the script has not ended otherwise */
		initscript_report(last_announced->start_socket, INITSCRIPT_SCRIPT_RUNS, 0);
}

void initscript_report_exec(lua_State *L, const char *path)
{
	struct initscript_script *script = initscript_script_of(L);
	if (script->execs == MAX_EXECS)
		return;
	initscript_report_strings(script->start_socket, INITSCRIPT_SCRIPT_EXECS, 0, 0, &path, 1);
	script->execs++;
}

void initscript_report_no_exec(lua_State *L)
{
	struct initscript_script *script = initscript_script_of(L);
	if (script->execs < MAX_EXECS) {
		initscript_report(script->start_socket, INITSCRIPT_SCRIPT_RUNS, 0);
	} else if (!last_announced) {
		last_announced = script;
		atexit(take_back);
	}
}
