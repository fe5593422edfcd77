/*
 * Writes what a script calls into a ring that the host reads. The environment has functions traced
 * by it, and errexit tells it of failures. Once the ring is open it makes no system call and takes
 * no memory of Lua's: the script cannot tell that it is watched.
 */
#include "tell_trace.h"

#include "sys_process.h"
#include "tell_report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
	RECORD_SIZE = INITSCRIPT_TRACE_RECORD_SIZE,
	TAGS_SIZE = 512,  /* kept free for what closes a record that is too long */
	MAX_CALLERS = 32, /* how far a call is sought that another one is part of */
	MAX_VALUES = 64,  /* of one record */
};

/* A record that is being written. */
struct writer {
	struct initscript_trace_record *record;
	char *next, *end;
	bool full;
};

static uint64_t now(const struct initscript_trace_ring *ring)
{
	struct timespec time;
	if (ring->clock < 0 || clock_gettime(ring->clock, &time) != 0)
		return 0;
	return time.tv_sec * UINT64_C(1000000000) + time.tv_nsec;
}

static char *data_of(struct initscript_trace_ring *ring)
{
	return (char *)ring + INITSCRIPT_TRACE_HEADER_SIZE;
}

/* Begins a record, if as many as RECORDS would fit now. */
static bool begin(struct initscript_trace_ring *ring, struct writer *w, uint64_t records)
{
	uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	uint64_t head = ring->head, offset = head % INITSCRIPT_TRACE_DATA_SIZE;
	if (offset > INITSCRIPT_TRACE_DATA_SIZE - RECORD_SIZE) {
		head += INITSCRIPT_TRACE_DATA_SIZE - offset;
		offset = 0;
	}
	/* One more, for what the end of the data may cost. */
	if (head - tail + (records + 1) * RECORD_SIZE > INITSCRIPT_TRACE_DATA_SIZE)
		return false;
	__atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
	char *start = data_of(ring) + offset;
	w->record = (struct initscript_trace_record *)start;
	w->next = start + sizeof *w->record;
	w->end = start + RECORD_SIZE - TAGS_SIZE;
	w->full = false;
	*w->record = (struct initscript_trace_record){
	        .lost = ring->lost,
	        .nanoseconds = now(ring),
	};
	return true;
}

static void finish(struct initscript_trace_ring *ring, struct writer *w)
{
	w->record->size = (w->next - (char *)w->record + 7) & ~7;
	__atomic_store_n(&ring->head, ring->head + w->record->size, __ATOMIC_RELEASE);
}

static void put(struct writer *w, const void *bytes, size_t size)
{
	memcpy(w->next, bytes, size);
	w->next += size;
}

static void put_tag(struct writer *w, enum initscript_trace_tag tag)
{
	*w->next++ = tag;
}

/* Whether SIZE bytes more have room. If not, says so once. */
static bool has_room(struct writer *w, size_t size)
{
	if (!w->full && (size_t)(w->end - w->next) < size) {
		put_tag(w, INITSCRIPT_TRACE_CUT);
		w->full = true;
	}
	return !w->full;
}

static void put_string(struct writer *w, const char *bytes, size_t length)
{
	uint32_t total = length;
	uint32_t shown = length > INITSCRIPT_TRACE_STRING_SIZE ? INITSCRIPT_TRACE_CUT_SIZE : length;
	if (!has_room(w, 1 + sizeof total + sizeof shown + shown))
		return;
	put_tag(w, INITSCRIPT_TRACE_STRING);
	put(w, &total, sizeof total);
	put(w, &shown, sizeof shown);
	put(w, bytes, shown);
}

static void put_value(struct writer *w, lua_State *L, int index, int nesting);

/* Reads raw, and takes no memory: lua_next() does not. */
static void put_table(struct writer *w, lua_State *L, int index, int nesting)
{
	put_tag(w, INITSCRIPT_TRACE_TABLE);
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
		int value = lua_gettop(L);
		put_value(w, L, value - 1, nesting + 1);
		put_value(w, L, value, nesting + 1);
		if (w->full) {
			lua_pop(L, 2);
			break;
		}
	}
	put_tag(w, INITSCRIPT_TRACE_TABLE_END);
}

/* INDEX is absolute. A number must not become a string here: lua_tolstring() would change it. */
static void put_value(struct writer *w, lua_State *L, int index, int nesting)
{
	int type = lua_type(L, index);
	if (!has_room(w, 1 + sizeof(double)))
		return;
	if (type == LUA_TNIL) {
		put_tag(w, INITSCRIPT_TRACE_NIL);
	} else if (type == LUA_TBOOLEAN) {
		put_tag(w,
		        lua_toboolean(L, index) ? INITSCRIPT_TRACE_TRUE : INITSCRIPT_TRACE_FALSE);
	} else if (type == LUA_TNUMBER) {
		double number = lua_tonumber(L, index);
		put_tag(w, INITSCRIPT_TRACE_NUMBER);
		put(w, &number, sizeof number);
	} else if (type == LUA_TSTRING) {
		size_t length;
		const char *bytes = lua_tolstring(L, index, &length);
		put_string(w, bytes, length);
	} else if (type == LUA_TTABLE && nesting < INITSCRIPT_TRACE_NESTING) {
		put_table(w, L, index, nesting);
	} else {
		const char *name = lua_typename(L, type);
		put_tag(w, INITSCRIPT_TRACE_OTHER);
		put_string(w, name, strlen(name));
	}
}

static void put_values(struct writer *w, lua_State *L, int first, int last)
{
	for (int i = first; i <= last && i < first + MAX_VALUES; i++, w->record->values++)
		put_value(w, L, i, 0);
}

static int traced_call(lua_State *L);

/* How many other calls this one is part of: a finalizer or a metamethod has made it then. A call
 * that has raised an error is not among them. */
static uint32_t count_callers(lua_State *L)
{
	uint32_t callers = 0;
	lua_Debug frame;
	for (int level = 1; level <= MAX_CALLERS && lua_getstack(L, level, &frame); level++) {
		lua_getinfo(L, "f", &frame);
		callers += lua_tocfunction(L, -1) == traced_call;
		lua_pop(L, 1);
	}
	return callers;
}

/* What must be known of a call when it returns. */
struct call {
	uint64_t id, caller;
	uint32_t depth;
};

/* A call is lost if there is no room for what it and its callers will return. */
static struct call write_call(struct initscript_trace_ring *ring, lua_State *L, const char *name)
{
	struct call call = {.depth = ring->open_id ? count_callers(L) : 0};
	call.caller = call.depth ? ring->open_id : 0;
	struct writer w;
	if (!begin(ring, &w, call.depth + 2)) {
		__atomic_store_n(&ring->lost, ring->lost + 1, __ATOMIC_RELEASE);
		return call;
	}
	call.id = ++ring->newest_id;
	w.record->kind = INITSCRIPT_TRACE_CALL;
	w.record->id = call.id;
	w.record->depth = call.depth;
	w.record->line = initscript_script_line(L);
	w.record->values = 1;
	put_string(&w, name, strlen(name));
	put_values(&w, L, 1, lua_gettop(L));
	w.record->nanoseconds = now(ring); /* what was written here is not part of the call */
	finish(ring, &w);
	ring->open_id = call.id;
	return call;
}

static void write_return(struct initscript_trace_ring *ring, lua_State *L, struct call call,
                         int results)
{
	struct writer w;
	ring->open_id = call.caller;
	if (call.id == 0 || !begin(ring, &w, 1))
		return;
	w.record->kind = INITSCRIPT_TRACE_RETURN;
	w.record->id = call.id;
	int top = lua_gettop(L);
	put_values(&w, L, top - results + 1, top);
	finish(ring, &w);
}

/* Upvalue 1 is the function. It is called directly, not through Lua: what it sees of the stack, and
 * so every message and traceback, is what it sees when nobody traces. */
static int traced_call(lua_State *L)
{
	const struct initscript_function *function = lua_touserdata(L, lua_upvalueindex(1));
	struct initscript_trace_ring *ring = initscript_script_of(L)->trace;
	if (!ring) /* a finalizer, after the end */
		return function->function(L);
	struct call call = write_call(ring, L, function->name);
	int results = function->function(L);
	write_return(ring, L, call, results);
	return results;
}

void initscript_trace_push(lua_State *L, const struct initscript_function *function)
{
	if (!initscript_script_of(L)->trace) {
		lua_pushcfunction(L, function->function);
		return;
	}
	lua_pushlightuserdata(L, (void *)function);
	lua_pushcclosure(L, traced_call, 1);
}

void initscript_trace_failed(lua_State *L, int error)
{
	struct initscript_trace_ring *ring = initscript_script_of(L)->trace;
	struct writer w;
	if (!ring || ring->open_id == 0 || !begin(ring, &w, 1))
		return;
	w.record->kind = INITSCRIPT_TRACE_FAILED;
	w.record->id = ring->open_id;
	w.record->error = error;
	finish(ring, &w);
	ring->open_id = 0;
}

/* The ring that is open, for a script that ends the process by itself. */
static struct initscript_trace_ring *open_ring;

static void write_end(void)
{
	struct writer w;
	if (!open_ring || !begin(open_ring, &w, 1))
		return;
	w.record->kind = INITSCRIPT_TRACE_END;
	finish(open_ring, &w);
}

bool initscript_trace_open(struct initscript_script *script, int memfd)
{
	struct initscript_trace_ring *ring =
	        mmap(NULL, INITSCRIPT_TRACE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (ring == MAP_FAILED || atexit(write_end) != 0)
		return false;
	if (!initscript_clock_is_quiet())
		ring->clock = -1;
	script->trace = open_ring = ring;
	return true;
}

void initscript_trace_close(struct initscript_script *script)
{
	if (!script->trace)
		return;
	write_end();
	munmap(script->trace, INITSCRIPT_TRACE_SIZE);
	script->trace = open_ring = NULL;
}
