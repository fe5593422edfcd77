/*
 * What the Go package, the fork server and a child say to each other. Go includes this file
 * through cgo; what internal/wire says once more is compared by the compiler. All of it stays on
 * one machine and inside one build of one program: native byte order and alignment.
 *
 * Sockets are AF_UNIX SOCK_SEQPACKET: the control socket between the host and its server, and
 * one start socket per child, whose far end only that child keeps.
 */
#ifndef INITSCRIPT_WIRE_H
#define INITSCRIPT_WIRE_H

#include <stdint.h>

/* The environment variable that names the control socket in a server, as a decimal descriptor. */
#define INITSCRIPT_MARKER "INITSCRIPT_SERVER"

/* The first message on the control socket, from the host; the server sends it back when it is
 * ready. The number in the text changes with every change of this file. */
#define INITSCRIPT_GREETING "initscript fork server, protocol 7"
struct initscript_greeting {
	char text[40];
	/* Of the thread that starts the server, bits 1 << CAP_*. */
	uint64_t permitted, effective, inheritable;
};

/* What a host asks its server for, on the control socket. */
enum initscript_request_kind {
	/* With the child's end of the start socket, and the working directory; without the latter
	 * for the first child of a server, which begins where the server did. */
	INITSCRIPT_START = 1,
	INITSCRIPT_DETACH, /* the child may outlive the host */
	INITSCRIPT_KILL,   /* a child whose pidfd the host could not receive */
	INITSCRIPT_RETIRE, /* no more children: they would have what the host has given up */
};

struct initscript_request {
	uint32_t kind;
	int32_t pid; /* of INITSCRIPT_DETACH and _KILL: beside the id, to find the child by */
	uint64_t id; /* chosen by the host; comes back in every event of this child */
	uint32_t namespaces; /* CLONE_NEW* */
	uint32_t announce;   /* the child sends INITSCRIPT_NAMESPACES_READY */
};

/* What the server tells the host, on the control socket: all that is known of a child from outside.
 * The start socket never carries that, since the child could say it there, too. */
enum initscript_event_kind {
	INITSCRIPT_BORN = 1, /* pid; carries a pidfd */
	INITSCRIPT_NOT_BORN, /* error, call: the last event of this child */
	INITSCRIPT_ENDED,    /* pid, status, usage: the last event of this child */
	INITSCRIPT_RETIRED,  /* answers INITSCRIPT_RETIRE: nothing is born after this */
};

struct initscript_event {
	uint32_t kind;
	int32_t pid;
	uint64_t id;    /* of the request; 0 in INITSCRIPT_RETIRED */
	int32_t error;  /* errno value */
	int32_t status; /* as from wait4(2) */
	char call[24];  /* the system call that failed */
	int64_t user_microseconds, system_microseconds;
	int64_t max_rss_kilobytes;
	int64_t minor_faults, major_faults;
	int64_t voluntary_switches, involuntary_switches;
};

/* Messages on the start socket, towards the host. Each begins with struct initscript_record. The
 * child is the only one that speaks there; docs/internals/design.md says which of them the host
 * believes, and when. */
enum initscript_record_kind {
	INITSCRIPT_NAMESPACES_READY = 2, /* the host may write the id maps */
	INITSCRIPT_SCRIPT_EXECS,         /* the script is about to call execve; fields: path */
	INITSCRIPT_SCRIPT_RUNS,          /* that failed, and the script goes on */
	INITSCRIPT_SCRIPT_DONE,          /* the program is about to be executed, or there is none */
	INITSCRIPT_SETUP_FAILED,         /* fields: system call */
	INITSCRIPT_CALL_FAILED,          /* fields: function, traceback, arguments... */
	INITSCRIPT_SCRIPT_FAILED,        /* fields: message, traceback */
	INITSCRIPT_LOAD_FAILED,          /* fields: message */
	INITSCRIPT_MEMORY_EXHAUSTED,     /* fields: none */
	INITSCRIPT_EXEC_FAILED,          /* fields: path, missing interpreter or "" */
	INITSCRIPT_ENTRY_FAILED, /* from an actor, after INITSCRIPT_SCRIPT_DONE; fields: message,
	                            traceback if it is in Lua */
	/* What may explain the next record, a failure; fields: struct initscript_notes, one
	 * struct initscript_seen_path for each path that was looked at, in one field, text. */
	INITSCRIPT_EXPLANATION,
};

/* What a script has done that changes what later calls may do. */
enum initscript_note {
	INITSCRIPT_NOTE_UNSHARE,
	INITSCRIPT_NOTE_SETNS,
	INITSCRIPT_NOTE_CREDENTIALS,  /* setresuid and its relatives */
	INITSCRIPT_NOTE_CAPABILITIES, /* cap_set_proc */
	INITSCRIPT_NOTE_NO_NEW_PRIVS,
	INITSCRIPT_NOTE_SECCOMP,
	INITSCRIPT_NOTE_LANDLOCK,
	INITSCRIPT_NOTE_CHROOT,
	INITSCRIPT_NOTE_UMOUNT,
	INITSCRIPT_NOTE_COUNT,
};

/* What the script has left that may explain a failure. */
struct initscript_notes {
	int32_t lines[INITSCRIPT_NOTE_COUNT]; /* of the script, where it did so last; 0: never */
	uint32_t unshared;                    /* CLONE_NEW*, by the script */
	uint32_t has_effective;               /* the next is known */
	uint32_t padding;
	uint64_t effective; /* capabilities, bits 1 << CAP_* */
};

/* A path as the child sees it. */
struct initscript_seen_path {
	int32_t error;        /* errno of looking at it; then nothing else is known */
	uint32_t mode;        /* as in stat(2) */
	uint32_t mount_flags; /* ST_* of statvfs(3) */
	uint8_t may_execute;  /* by access(2) */
	uint8_t is_mount;     /* 1: the root of a mount, 0: not, 2: unknown */
	uint8_t propagation;  /* 1: the mount is shared, 2: the mount that it is on, 3: both */
	uint8_t is_listed;    /* the mount is in /proc/self/mountinfo: propagation is known */
	uint64_t mount_id;    /* 0: unknown */
};

enum { INITSCRIPT_SEEN_PATHS = 3 }; /* at most, in an explanation */

struct initscript_record {
	uint32_t kind;
	int32_t error;   /* errno value */
	int32_t line;    /* of the script, 0: unknown */
	uint32_t fields; /* how many follow, each a uint32_t length and its bytes */
};

enum { INITSCRIPT_RECORD_SIZE = 16384 }; /* no record is longer; fields are cut to fit */

/* The host's answer on the start socket: this message, with the descriptors in SCM_RIGHTS in the
 * order plan, stdin, stdout, stderr, inbox, [arg,] extra files, [ring of trace_ring.h,] hidden
 * files. */
struct initscript_go_ahead {
	uint64_t plan_size;
	uint32_t has_arg;
	uint32_t extra_files;
	uint32_t hidden_files;
	uint32_t has_trace;
};

/* The hidden files of an actor, in their order. The script does not see them. An actor in Lua has
 * the first one only. */
enum initscript_hidden_file {
	INITSCRIPT_PARENT,     /* the sending end of the channel to the host */
	INITSCRIPT_CRASH,      /* the writing end of a pipe for what the Go runtime says at last */
	INITSCRIPT_EXECUTABLE, /* what servers are executed from (sys_executable.h), for children of
	                          its own */
	INITSCRIPT_NULL,       /* the null device, likewise: its root may have neither */
	INITSCRIPT_HIDDEN_FILES,
};

enum { INITSCRIPT_MAX_FDS = 253 }; /* SCM_MAX_FD, unix(7) */

/* The plan: a sealed memfd with all that one child must know and the server need not. Offsets
 * are from the start; every string ends with a NUL byte. */
struct initscript_plan {
	uint64_t memory_limit; /* of the script, bytes */
	uint64_t script, script_length;
	uint64_t script_name;
	uint64_t path;  /* of the program; 0: none */
	uint64_t entry; /* of an actor in Go; 0: none */
	/* Of an actor in Lua: the path of a file, or a text; 0: none. Without any of these the
	 * child ends after the script. */
	uint64_t module, module_source, module_source_length, module_name;
	uint64_t module_memory_limit; /* bytes; 0: none */
	uint64_t argv, argc;
	uint64_t envp, envc;
	uint8_t random[16]; /* for the Go runtime of an actor: AT_RANDOM, getauxval(3) */
};

#endif
