/*
 * The limit: what the kernel itself asks for one start. Clones a child, in the same namespaces and
 * with the same mounts as the things it is compared with, which executes /bin/true or ends at once.
 * No script, no descriptors to pass, no reports.
 *
 * Reads commands from standard input, one per line, and answers each with one line:
 *
 *     start LEVEL ENDING       one start, up to the end of the child; the answer is nanoseconds
 *
 *     repeat LEVEL ENDING MS   starts, one after the other; the answer is their number
 *
 *     grow KB MAPPINGS         takes that much more memory, all written to, in so many mappings
 *
 * LEVEL is none, six (namespaces: user, mount, pid, net, uts, ipc) or box (six, and the mounts of
 * examples/rootless-box.lua). ENDING is exec or exit. What fails is answered with its reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum level { NONE, SIX, BOX };

static const unsigned long SIX_NAMESPACES =
        CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC;
static const unsigned long TMPFS_FLAGS = MS_NOSUID | MS_NODEV;
static const unsigned long PROC_FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC;

static char uid_map[32], gid_map[32];

/* In the child: its exit status tells the parent that something failed, standard error what. */
static void must(bool success, const char *call, const char *argument)
{
	if (success)
		return;
	fprintf(stderr, "limit: %s %s: %s\n", call, argument, strerror(errno));
	_exit(1);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	must(fd >= 0 && write(fd, text, strlen(text)) > 0, "write", path);
	close(fd);
}

static void make_directory(const char *path, mode_t mode)
{
	must(mkdir(path, mode) == 0, "mkdir", path);
}

static void make_link(const char *target, const char *path)
{
	must(symlink(target, path) == 0, "symlink", path);
}

static void mount_on(const char *source, const char *target, const char *type, unsigned long flags,
                     const char *options)
{
	must(mount(source, target, type, flags, options) == 0, "mount", target);
}

static void mount_tmpfs(const char *target, const char *options)
{
	mount_on("tmpfs", target, "tmpfs", TMPFS_FLAGS, options);
}

static void bind_readonly(const char *source, const char *target)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID};
	mount_on(source, target, NULL, MS_BIND | MS_REC, NULL);
	must(syscall(SYS_mount_setattr, AT_FDCWD, target, AT_RECURSIVE, &attributes,
	             sizeof attributes) == 0,
	     "mount_setattr", target);
}

/* A symbolic link where the host has one, on systems with a merged /usr. */
static void show_programs(const char *name)
{
	char path[16], target[16];
	struct stat status;
	snprintf(path, sizeof path, "/%s", name);
	if (lstat(path, &status) != 0)
		return;
	if (S_ISLNK(status.st_mode)) {
		snprintf(target, sizeof target, "usr/%s", name);
		make_link(target, name);
		return;
	}
	make_directory(name, 0755);
	bind_readonly(path, name);
}

static void show_device(const char *name)
{
	char path[16];
	snprintf(path, sizeof path, "/dev/%s", name);
	if (access(path, F_OK) != 0)
		return;
	must(mknod(path + 1, S_IFREG | 0666, 0) == 0, "mknod", path + 1);
	bind_readonly(path, path + 1);
}

static void make_devices(void)
{
	static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
	make_directory("dev", 0755);
	for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
		show_device(devices[i]);
	make_link("/proc/self/fd", "dev/fd");
	make_link("/proc/self/fd/0", "dev/stdin");
	make_link("/proc/self/fd/1", "dev/stdout");
	make_link("/proc/self/fd/2", "dev/stderr");
	make_directory("dev/shm", 0777);
	mount_tmpfs("dev/shm", "mode=1777");
	make_directory("dev/pts", 0755);
	mount_on("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
	         "newinstance,ptmxmode=0666,mode=0620");
	make_link("pts/ptmx", "dev/ptmx");
}

/* The steps of examples/rootless-box.lua that make its root directory, in their order. */
static void make_box(void)
{
	static const char *const programs[] = {"bin", "sbin", "lib", "lib32", "lib64", "libx32"};
	mount_on(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mount_tmpfs("/tmp", "mode=0755");
	must(chdir("/tmp") == 0, "chdir", "/tmp");
	make_directory("proc", 0755);
	mount_on("proc", "proc", "proc", PROC_FLAGS, NULL);
	write_file("proc/sys/user/max_user_namespaces", "0");
	mount_on(NULL, "proc", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | PROC_FLAGS, NULL);
	make_directory("usr", 0755);
	bind_readonly("/usr", "usr");
	make_directory("etc", 0755);
	bind_readonly("/etc", "etc");
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		show_programs(programs[i]);
	make_devices();
	make_directory("tmp", 0777);
	mount_tmpfs("tmp", "mode=1777");
	must(syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root", ".");
	must(umount2(".", MNT_DETACH) == 0, "umount2", ".");
	mount_on(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | TMPFS_FLAGS, NULL);
}

static _Noreturn void be_child(enum level level, bool executes)
{
	static char path[] = "/bin/true";
	static char *argv[] = {path, NULL}, *envp[] = {NULL};
	if (level >= SIX) {
		write_file("/proc/self/setgroups", "deny");
		write_file("/proc/self/uid_map", uid_map);
		write_file("/proc/self/gid_map", gid_map);
	}
	if (level == BOX)
		make_box();
	if (!executes)
		_exit(0);
	execve(path, argv, envp);
	must(false, "execve", path);
	_exit(1);
}

static const char *start(enum level level, bool executes)
{
	int status;
	/* Not fork(3), which would work for libc before and after. */
	pid_t pid = syscall(SYS_clone, (level >= SIX ? SIX_NAMESPACES : 0) | SIGCHLD, NULL, NULL,
	                    NULL, NULL);
	if (pid == 0)
		be_child(level, executes);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return strerror(errno);
	return status == 0 ? NULL : "the child failed; standard error tells why";
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static const char *repeat(enum level level, bool executes, int milliseconds, long *count)
{
	const char *error = NULL;
	int64_t end = now() + milliseconds * INT64_C(1000000);
	for (*count = 0; !error && now() < end; ++*count)
		error = start(level, executes);
	return error;
}

/* Mappings beside each other with the same protection would be merged into one. */
static const char *grow(long kilobytes, long mappings)
{
	long page = sysconf(_SC_PAGESIZE), pages = kilobytes * 1024 / page;
	for (long i = 0; i < mappings; i++) {
		long share = pages / mappings + (i < pages % mappings);
		size_t size = (share > 0 ? share : 1) * page;
		char *memory =
		        mmap(NULL, size + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED || mprotect(memory, size, PROT_READ | PROT_WRITE) != 0)
			return strerror(errno);
		munmap(memory + size, page);
		for (long p = 0; p < share; p++)
			memory[p * page] = 1;
	}
	return NULL;
}

static const char *serve(const char *command, int64_t *answer)
{
	static const char *const levels[] = {[NONE] = "none", [SIX] = "six", [BOX] = "box"};
	char level_name[8] = "", ending[8] = "";
	int milliseconds;
	long count, kilobytes, mappings;
	if (sscanf(command, "grow %ld %ld", &kilobytes, &mappings) == 2)
		return grow(kilobytes, mappings);
	int words = sscanf(command, "%*s %7s %7s %d", level_name, ending, &milliseconds);
	enum level level = NONE;
	while (level <= BOX && strcmp(level_name, levels[level]) != 0)
		level++;
	bool executes = strcmp(ending, "exec") == 0;
	const char *error = "unknown command";
	if (level > BOX || (!executes && strcmp(ending, "exit") != 0))
		return error;
	if (words == 2 && strncmp(command, "start ", 6) == 0) {
		int64_t begin = now();
		error = start(level, executes);
		*answer = now() - begin;
	} else if (words == 3 && strncmp(command, "repeat ", 7) == 0) {
		error = repeat(level, executes, milliseconds, &count);
		*answer = count;
	}
	return error;
}

int main(void)
{
	char command[128];
	snprintf(uid_map, sizeof uid_map, "0 %u 1", (unsigned)geteuid());
	snprintf(gid_map, sizeof gid_map, "0 %u 1", (unsigned)getegid());
	umask(0);
	while (fgets(command, sizeof command, stdin)) {
		int64_t answer = 0;
		const char *error = serve(command, &answer);
		if (error)
			printf("error: %s\n", error);
		else
			printf("%lld\n", (long long)answer);
		fflush(stdout);
	}
}
