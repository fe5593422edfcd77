/*
 * The ring through which a script that is traced tells what it calls: memory that the child and
 * the host share, one writer, one reader. To write needs no system call, so no filter that the
 * script sets can notice it. internal/trace/layout.go says the same for Go.
 */
#ifndef INITSCRIPT_TRACE_RING_H
#define INITSCRIPT_TRACE_RING_H

#include <stdint.h>

enum {
	INITSCRIPT_TRACE_HEADER_SIZE = 4096,
	INITSCRIPT_TRACE_DATA_SIZE = 4 << 20,
	INITSCRIPT_TRACE_SIZE = INITSCRIPT_TRACE_HEADER_SIZE + INITSCRIPT_TRACE_DATA_SIZE,
	INITSCRIPT_TRACE_RECORD_SIZE = 16384, /* no record is longer */
	/* Longer strings, which cannot be paths, are cut to the second size. */
	INITSCRIPT_TRACE_STRING_SIZE = 4096,
	INITSCRIPT_TRACE_CUT_SIZE = 256,
	INITSCRIPT_TRACE_NESTING = 3, /* deeper tables are not shown */
};

/* The header. Positions count all bytes ever written or read; modulo the size of the data they are
 * offsets. No record begins in the last INITSCRIPT_TRACE_RECORD_SIZE - 1 bytes of the data: both
 * sides go on at its beginning instead. */
struct initscript_trace_ring {
	uint64_t head;      /* the writer's position */
	uint64_t lost;      /* calls that did not fit */
	uint64_t newest_id; /* the writer's own, like the next two */
	uint64_t open_id;   /* of the newest call that has not returned, or 0 */
	uint64_t open_depth;
	int32_t clock; /* for clock_gettime(2), chosen by the host; -1: none */
	int32_t padding;
	uint64_t unshared[8]; /* a cache line */
	uint64_t tail;        /* the reader's position */
};

enum initscript_trace_kind {
	INITSCRIPT_TRACE_CALL = 1, /* values: the function's name, the arguments */
	INITSCRIPT_TRACE_RETURN,   /* values: the results */
	INITSCRIPT_TRACE_FAILED,   /* the call has failed, and ends the process */
	INITSCRIPT_TRACE_END,      /* the script has ended: no call is under way */
};

struct initscript_trace_record {
	uint32_t size; /* of all, a multiple of 8 */
	uint32_t kind;
	uint64_t id; /* of the call, from 1 */
	uint64_t nanoseconds;
	uint64_t lost;  /* how many calls were lost until now */
	uint32_t depth; /* so many other calls are under way */
	int32_t line;   /* of the script, 0: unknown */
	int32_t error;  /* errno value */
	uint32_t values;
};

/* Every value begins with one of these bytes. */
enum initscript_trace_tag {
	INITSCRIPT_TRACE_NIL = 1,
	INITSCRIPT_TRACE_FALSE,
	INITSCRIPT_TRACE_TRUE,
	INITSCRIPT_TRACE_NUMBER, /* double */
	INITSCRIPT_TRACE_STRING, /* uint32_t: its length; uint32_t and bytes: how many follow */
	INITSCRIPT_TRACE_OTHER,  /* a STRING, with its tag: the name of the type */
	INITSCRIPT_TRACE_TABLE,  /* keys and values by turns, then TABLE_END */
	INITSCRIPT_TRACE_TABLE_END,
	INITSCRIPT_TRACE_CUT, /* there was no room for the rest */
};

#endif
