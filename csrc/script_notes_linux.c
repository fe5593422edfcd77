/*
 * What may explain the next failure of a script, for the host's hints. Errexit calls it after each
 * call, and the last step of a child does. It makes no system call once the script has installed a
 * filter.
 */
#include "script_notes.h"

#include "script_arguments.h"
#include "sys_interpreter.h"
#include "tell_report.h"
#include "util_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's ABI fixes these values; headers older than it lack the names. */
#ifndef STATX_MNT_ID /* Linux 5.8 */
#define STATX_MNT_ID 0x1000U
#endif
#ifndef STATX_ATTR_MOUNT_ROOT /* Linux 5.8 */
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif
enum { STATX_MNT_ID_OFFSET = 144 }; /* of stx_mnt_id in struct statx */

static const struct {
	const char *name;
	enum initscript_note note;
} noted[] = {
        {"unshare", INITSCRIPT_NOTE_UNSHARE},
        {"setresuid", INITSCRIPT_NOTE_CREDENTIALS},
        {"cap_set_proc", INITSCRIPT_NOTE_CAPABILITIES},
        {"set_no_new_privs", INITSCRIPT_NOTE_NO_NEW_PRIVS},
        {"seccomp_set_mode_filter", INITSCRIPT_NOTE_SECCOMP},
        {"landlock_restrict_self", INITSCRIPT_NOTE_LANDLOCK},
        {"chroot", INITSCRIPT_NOTE_CHROOT},
        {"umount", INITSCRIPT_NOTE_UMOUNT},
        {"umount2", INITSCRIPT_NOTE_UMOUNT},
};

static void set_note(lua_State *L, enum initscript_note note)
{
	int line = initscript_script_line(L);
	initscript_script_of(L)->notes.lines[note] = line ? line : -1;
}

/* Whether a system call cannot end the process. */
static bool may_look(const struct initscript_notes *notes)
{
	return notes->lines[INITSCRIPT_NOTE_SECCOMP] == 0;
}

/* Of the namespaces that can be entered, these decide who owns the mounts, and which proc there is.
 */
enum { OWNERS = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID };

/* Entering the namespace that FD is open on. Another than an owner is as good as one made here. */
static void note_setns(lua_State *L, int fd)
{
	struct initscript_notes *notes = &initscript_script_of(L)->notes;
	int kind = may_look(notes) ? ioctl(fd, NS_GET_NSTYPE) : -1;
	if (kind > 0 && !(kind & OWNERS))
		notes->unshared |= kind;
	else
		set_note(L, INITSCRIPT_NOTE_SETNS);
}

void initscript_note(lua_State *L, const char *name)
{
	struct initscript_notes *notes = &initscript_script_of(L)->notes;
	if (strcmp(name, "setns") == 0)
		note_setns(L, initscript_integer(L, 1));
	for (size_t i = 0; i < sizeof noted / sizeof *noted; i++) {
		if (strcmp(name, noted[i].name) == 0) {
			set_note(L, noted[i].note);
			if (noted[i].note == INITSCRIPT_NOTE_UNSHARE)
				notes->unshared |= initscript_integer(L, 1);
			return;
		}
	}
	if (strcmp(name, "prctl") == 0 && initscript_integer(L, 1) == PR_SET_NO_NEW_PRIVS)
		set_note(L, INITSCRIPT_NOTE_NO_NEW_PRIVS);
}

/* Libcap would allocate; this is all there is to it. */
static void look_at_capabilities(struct initscript_notes *notes)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	if (syscall(SYS_capget, &header, data) != 0)
		return;
	notes->effective = (uint64_t)data[1].effective << 32 | data[0].effective;
	notes->has_effective = true;
}

static void look_at_mount(const char *path, struct initscript_seen_path *p)
{
	struct statx x;
	p->is_mount = 2;
	if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_MNT_ID, &x) != 0)
		return;
	if (x.stx_mask & STATX_MNT_ID)
		memcpy(&p->mount_id, (char *)&x + STATX_MNT_ID_OFFSET, sizeof p->mount_id);
	if (x.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)
		p->is_mount = !!(x.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static void look_at_path(const char *path, struct initscript_seen_path *p)
{
	struct stat file;
	struct statvfs system;
	*p = (struct initscript_seen_path){.is_mount = 2};
	if (stat(path, &file) != 0) {
		p->error = errno;
		return;
	}
	p->mode = file.st_mode;
	p->may_execute = faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
	if (statvfs(path, &system) == 0)
		p->mount_flags = system.f_flag;
	look_at_mount(path, p);
}

/* One line of /proc/self/mountinfo, see proc_pid_mountinfo(5). */
struct mount_line {
	unsigned long long id, parent;
	bool is_shared;
};

static bool next_mount(FILE *file, struct mount_line *mount)
{
	char line[2 * PATH_MAX];
	while (fgets(line, sizeof line, file)) {
		if (sscanf(line, "%llu %llu", &mount->id, &mount->parent) != 2)
			continue;
		char *end = strstr(line, " - ");
		if (end)
			*end = '\0';
		mount->is_shared = strstr(line, " shared:") != NULL;
		return true;
	}
	return false;
}

static void look_at_propagation(struct initscript_seen_path *p)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	if (!file)
		return;
	struct mount_line mount;
	unsigned long long parent = 0;
	while (p->mount_id && next_mount(file, &mount)) {
		if (mount.id != p->mount_id)
			continue;
		parent = mount.parent;
		p->is_listed = true;
		p->propagation |= mount.is_shared;
	}
	rewind(file);
	while (p->is_listed && next_mount(file, &mount))
		if (mount.id == parent && mount.is_shared)
			p->propagation |= 2;
	fclose(file);
}

static void report_program(int fd, const struct initscript_notes *notes, const char *path,
                           const char *interpreter)
{
	struct initscript_seen_path paths[2];
	size_t count = 0;
	if (may_look(notes)) {
		look_at_path(path, &paths[count++]);
		if (interpreter[0])
			look_at_path(interpreter, &paths[count++]);
	}
	initscript_report_explanation(fd, notes, paths, count, interpreter);
}

void initscript_explain_program(int fd, const struct initscript_notes *notes, const char *path,
                                const char *interpreter)
{
	struct initscript_notes told = *notes;
	if (may_look(&told))
		look_at_capabilities(&told);
	report_program(fd, &told, path, interpreter);
}

/* The strings in the list on top of the stack. */
static size_t add_list(lua_State *L, char *text, size_t length, size_t size)
{
	int list = lua_gettop(L);
	for (int i = 1;; i++) {
		lua_rawgeti(L, list, i);
		size_t more;
		const char *name =
		        lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &more) : NULL;
		if (name && more + 2 <= size - length)
			length += sprintf(text + length, "%s ", name);
		lua_pop(L, 1);
		if (!name)
			return length;
	}
}

/* The names of Landlock's rights, scopes and flags in the arguments, each with a space behind it.
 */
static void name_rights(lua_State *L, char *text, size_t size)
{
	size_t length = 0;
	int arguments = lua_gettop(L);
	for (int arg = 1; arg <= arguments; arg++) {
		if (!lua_istable(L, arg))
			continue;
		lua_pushvalue(L, arg);
		length = add_list(L, text, length, size);
		lua_pop(L, 1);
		for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1))
			if (lua_istable(L, -1))
				length = add_list(L, text, length, size);
	}
}

static void name_descriptor(int fd, char *text, size_t size)
{
	ssize_t length = readlink(initscript_fd_path(fd).text, text, size - 1);
	text[length > 0 ? length : 0] = '\0';
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

/* The paths among the arguments of a call that are worth looking at. */
static size_t look_at_arguments(lua_State *L, const char *name, struct initscript_seen_path *paths)
{
	static const char *const first[] = {"umount", "umount2", NULL};
	size_t count = 0;
	if (strcmp(name, "pivot_root") == 0) {
		look_at_path("/", &paths[count++]);
		look_at_path(lua_tostring(L, 1), &paths[count++]);
		look_at_path(lua_tostring(L, 2), &paths[count++]);
	} else if (strcmp(name, "mount") == 0) {
		look_at_path(lua_tostring(L, 2), &paths[count++]);
	} else if (is_one_of(name, first)) {
		look_at_path(lua_tostring(L, 1), &paths[count++]);
	}
	for (size_t i = 0; i < count; i++)
		look_at_propagation(&paths[i]);
	return count;
}

void initscript_explain_call(lua_State *L, const char *name, int error)
{
	static const char *const writes[] = {"write", "write_all", NULL};
	struct initscript_script *script = initscript_script_of(L);
	struct initscript_notes notes = script->notes;
	struct initscript_seen_path paths[INITSCRIPT_SEEN_PATHS];
	char text[PATH_MAX] = "";
	size_t count = 0;
	if (script->start_socket < 0)
		return;
	if (strncmp(name, "landlock_", strlen("landlock_")) == 0)
		name_rights(L, text, sizeof text);
	if (may_look(&notes)) {
		look_at_capabilities(&notes);
		if (strcmp(name, "execve") == 0) {
			/* Both may be about the interpreter: of a script, or of a program. */
			if (error == EACCES || error == ENOENT)
				initscript_read_interpreter(lua_tostring(L, 1), text);
			report_program(script->start_socket, &notes, lua_tostring(L, 1), text);
			return;
		}
		if (is_one_of(name, writes))
			name_descriptor(initscript_integer(L, 1), text, sizeof text);
		count = look_at_arguments(L, name, paths);
	}
	initscript_report_explanation(script->start_socket, &notes, paths, count, text);
}
