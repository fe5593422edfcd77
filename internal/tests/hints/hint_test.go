package hints_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/ffitest"
	"golang.org/x/sys/unix"
)

// A hintCase is a failure that this machine provokes. "…" in a text stands for anything.
type hintCase struct {
	name   string
	ns     string
	mapped bool // with id maps
	script string
	path   string // of the program
	needs  func(*testing.T)
	error  string
	hint   string
}

const (
	withinUser  = "user,mount"
	pidToo      = "user,mount,pid"
	makePrivate = `C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE), nil) `
	tmpfsOnMnt  = `C.mount("x", "/mnt", "tmpfs", 0, nil) `
	forbidWrite = `local r = C.landlock_create_ruleset({handled_access_fs = {"make_dir", "execute"}}) ` +
		`set_no_new_privs() C.landlock_restrict_self(r) `
)

// hintCases need nothing of the host but what requireUserNamespaces asks for. The directory of
// programs is made by writePrograms.
var hintCases = []hintCase{
	{name: "mount without mount namespace", ns: "user", mapped: true,
		script: `C.mount("x", "/mnt", "tmpfs", 0, nil)`,
		error:  `init.script:1: mount("x", "/mnt", "tmpfs", 0): operation not permitted (EPERM)`,
		hint: `the mount namespace belongs to the user namespace outside: make a mount namespace ` +
			`too (NewMount, --ns mount)`},
	{name: "mount without capability", ns: withinUser, mapped: true,
		script: `C.cap_set_proc("=") C.mount("x", "/mnt", "tmpfs", 0, nil)`,
		error:  `init.script:1: mount("x", "/mnt", "tmpfs", 0): operation not permitted (EPERM)`,
		hint: `CAP_SYS_ADMIN is needed, and the script has given it up in line 1: call mount before ` +
			`that`},
	{name: "proc without PID namespace", ns: withinUser, mapped: true,
		script: `C.mount("proc", "/mnt", "proc", 0, nil)`,
		error:  `init.script:1: mount("proc", "/mnt", "proc", 0): operation not permitted (EPERM)`,
		hint: `proc shows the pid namespace, which belongs to the user namespace outside: make one ` +
			`too (--ns pid)`},
	{name: "proc after unshare", ns: withinUser, mapped: true,
		script: `C.unshare(C.CLONE_NEWPID) C.mount("proc", "/mnt", "proc", 0, nil)`,
		error:  `init.script:1: mount("proc", "/mnt", "proc", 0): operation not permitted (EPERM)`,
		hint: `proc shows the pid namespace, which belongs to the user namespace outside: make one ` +
			`too (--ns pid); C.unshare(C.CLONE_NEWPID) makes it for later children only`},
	{name: "sysfs without network namespace", ns: withinUser, mapped: true,
		script: `C.mount("s", "/mnt", "sysfs", 0, nil)`,
		error:  `init.script:1: mount("s", "/mnt", "sysfs", 0): operation not permitted (EPERM)`,
		hint: `sysfs shows the net namespace, which belongs to the user namespace outside: make one ` +
			`too (--ns net)`},
	{name: "mqueue without IPC namespace", ns: withinUser, mapped: true,
		script: `C.mount("m", "/mnt", "mqueue", 0, nil)`,
		error:  `init.script:1: mount("m", "/mnt", "mqueue", 0): operation not permitted (EPERM)`,
		hint: `mqueue shows the ipc namespace, which belongs to the user namespace outside: make ` +
			`one too (--ns ipc)`},
	{name: "cgroup2 without cgroup namespace", ns: withinUser, mapped: true,
		script: `C.mount("c", "/mnt", "cgroup2", 0, nil)`,
		error:  `init.script:1: mount("c", "/mnt", "cgroup2", 0): operation not permitted (EPERM)`,
		hint: `cgroup2 shows the cgroup namespace, which belongs to the user namespace outside: ` +
			`make one too (--ns cgroup)`},
	{name: "proc after the old root", ns: pidToo, mapped: true,
		script: tmpfsOnMnt + `C.mkdir("/mnt/old", mode(7, 0, 0)) C.mkdir("/mnt/proc", mode(7, 0, 0)) ` +
			`C.pivot_root("/mnt", "/mnt/old")
			C.umount2("/old", C.MNT_DETACH)
			C.mount("proc", "/proc", "proc", 0, nil)`,
		error: `init.script:3: mount("proc", "/proc", "proc", 0): operation not permitted (EPERM)`,
		hint: `likely the script has unmounted (in line 2) the last proc that shows everything, and ` +
			`without one none can be mounted in a user namespace: mount the new one before`},
	{name: "device file system", ns: withinUser, mapped: true,
		script: `C.mount("d", "/mnt", "devtmpfs", 0, nil)`,
		error:  `init.script:1: mount("d", "/mnt", "devtmpfs", 0): operation not permitted (EPERM)`,
		hint: `devtmpfs cannot be mounted in a user namespace (tmpfs, proc, sysfs, devpts, mqueue, ` +
			`overlay, cgroup2 and fuse can): mount it as root outside, or bind-mount what is mounted ` +
			`already`},
	{name: "file system on a device", ns: withinUser, mapped: true, needs: requireExt4,
		script: `C.mount("/dev/null", "/mnt", "ext4", 0, nil)`,
		error:  `init.script:1: mount("/dev/null", "/mnt", "ext4", 0): operation not permitted (EPERM)`,
		hint: `ext4 cannot be mounted in a user namespace (tmpfs, proc, sysfs, devpts, mqueue, ` +
			`overlay, cgroup2 and fuse can): mount it as root outside, or bind-mount what is mounted ` +
			`already`},
	{name: "reconfigured from inside", ns: withinUser, mapped: true,
		script: `C.mount(nil, "/proc", nil, bit.bor(C.MS_REMOUNT, C.MS_RDONLY), nil)`,
		error:  `init.script:1: mount(nil, "/proc", nil, 33): operation not permitted (EPERM)`,
		hint: `a file system that was not mounted in this user namespace cannot be reconfigured: ` +
			`change this mount only, with C.MS_BIND beside C.MS_REMOUNT`},
	{name: "mount after Landlock", ns: withinUser, mapped: true, needs: testkit.RequireLandlock,
		script: forbidWrite + `C.mount("x", "/mnt", "tmpfs", 0, nil)`,
		error:  `init.script:1: mount("x", "/mnt", "tmpfs", 0): operation not permitted (EPERM)`,
		hint: `likely the Landlock ruleset in force since the call in line 1: one that handles ` +
			`access to files forbids every change of mounts; make them before`},
	{name: "locked submounts", ns: withinUser, mapped: true,
		script: `C.mount("/dev", "/mnt", nil, C.MS_BIND, nil)`,
		error:  `init.script:1: mount("/dev", "/mnt", nil, 4096): invalid argument (EINVAL)`,
		hint: `likely there are mounts below the source that a more privileged namespace has made, ` +
			`and what they hide must not be shown: add C.MS_REC to C.MS_BIND`},
	{name: "umount of no mount", ns: withinUser, mapped: true, script: `C.umount("/usr/bin")`,
		error: `init.script:1: umount("/usr/bin"): invalid argument (EINVAL)`,
		hint:  `no mount point: nothing is mounted right there`},
	{name: "umount of locked mount", ns: withinUser, mapped: true, script: `C.umount("/dev/pts")`,
		error: `init.script:1: umount("/dev/pts"): invalid argument (EINVAL)`,
		hint: `likely the mount is locked, because it comes from a more privileged namespace and ` +
			`hides what is below it: build a new root and pivot_root into it instead`},
	{name: "umount of busy mount", ns: withinUser, mapped: true,
		script: tmpfsOnMnt + `C.chdir("/mnt") C.umount2("/mnt", 0)`,
		error:  `init.script:1: umount2("/mnt", 0): device or resource busy (EBUSY)`,
		hint: `something below it is in use (open file, working directory, other mount): leave it ` +
			`first, or call C.umount2(path, C.MNT_DETACH)`},
	{name: "pivot_root to a directory", ns: withinUser, mapped: true,
		script: tmpfsOnMnt + `C.mkdir("/mnt/a", mode(7, 0, 0)) C.pivot_root("/mnt/a", "/mnt/a")`,
		error:  `init.script:1: pivot_root("/mnt/a", "/mnt/a"): invalid argument (EINVAL)`,
		hint: `the new root is not a mount point: bind-mount it to itself first, C.mount(dir, dir, ` +
			`nil, bit.bor(C.MS_BIND, C.MS_REC), nil)`},
	{name: "pivot_root, old root elsewhere", ns: withinUser, mapped: true,
		script: tmpfsOnMnt + `C.mount("y", "/opt", "tmpfs", 0, nil) C.pivot_root("/mnt", "/opt")`,
		error:  `init.script:1: pivot_root("/mnt", "/opt"): invalid argument (EINVAL)`,
		hint:   `the place for the old root must be at or below the new root`},
	{name: "pivot_root of shared mounts", ns: withinUser, mapped: true,
		script: tmpfsOnMnt + `C.mkdir("/mnt/a", mode(7, 0, 0)) C.mount(nil, "/", nil, ` +
			`bit.bor(C.MS_REC, C.MS_SHARED), nil) C.pivot_root("/mnt", "/mnt/a")`,
		error: `init.script:1: pivot_root("/mnt", "/mnt/a"): invalid argument (EINVAL)`,
		hint: `a mount involved is shared with other namespaces: C.mount(nil, "/", nil, ` +
			`bit.bor(C.MS_REC, C.MS_PRIVATE), nil) first`},
	{name: "pivot_root to a locked mount", ns: withinUser, mapped: true,
		script: `C.pivot_root("/dev/pts", "/dev/pts")`,
		error:  `init.script:1: pivot_root("/dev/pts", "/dev/pts"): invalid argument (EINVAL)`,
		hint: `likely the new root is a mount that a more privileged namespace has made, and is ` +
			`locked in its place: bind-mount it to itself first, C.mount(dir, dir, nil, ` +
			`bit.bor(C.MS_BIND, C.MS_REC), nil)`},
	{name: "pivot_root to the present root", ns: withinUser, mapped: true,
		script: `C.pivot_root("/", "/usr")`,
		error:  `init.script:1: pivot_root("/", "/usr"): invalid argument (EINVAL)`,
		hint:   `the new root is the present root`},
	{name: "pivot_root to the present root, as root", ns: "mount", needs: testkit.RequireRoot,
		script: makePrivate + tmpfsOnMnt +
			`C.mkdir("/mnt/a", mode(7, 0, 0)) C.pivot_root("/mnt", "/mnt/a") C.mkdir("/b", mode(7, 0, ` +
			`0)) C.pivot_root("/", "/b")`,
		error: `init.script:1: pivot_root("/", "/b"): device or resource busy (EBUSY)`,
		hint:  `the new root is the present root`},
	{name: "pivot_root to a directory of the present root", ns: "mount", needs: testkit.RequireRoot,
		script: makePrivate + tmpfsOnMnt +
			`C.mkdir("/mnt/a", mode(7, 0, 0)) C.pivot_root("/mnt", "/mnt/a") C.mkdir("/b", mode(7, 0, ` +
			`0)) C.pivot_root("/b", "/b")`,
		error: `init.script:1: pivot_root("/b", "/b"): device or resource busy (EBUSY)`,
		hint: `the new root must be a mount of its own, not a directory of the present root's: ` +
			`bind-mount it to itself first, C.mount(dir, dir, nil, bit.bor(C.MS_BIND, C.MS_REC), nil)`},
	{name: "pivot_root, old root in the present one", ns: withinUser, mapped: true,
		script: tmpfsOnMnt + `C.mkdir("/mnt/a", mode(7, 0, 0)) C.pivot_root("/mnt", "/mnt/a") ` +
			`C.mkdir("/b", mode(7, 0, 0)) C.mkdir("/c", mode(7, 0, 0))
			C.mount("y", "/b", "tmpfs", 0, nil) C.pivot_root("/b", "/c")`,
		error: `init.script:2: pivot_root("/b", "/c"): device or resource busy (EBUSY)`,
		hint: `the place for the old root is on the present root's mount: it must be at or below the ` +
			`new root`},
	{name: "pivot_root in a chroot", ns: withinUser, mapped: true,
		script: tmpfsOnMnt + `C.mkdir("/mnt/c", mode(7, 0, 0)) C.mkdir("/mnt/c/n", mode(7, 0, 0)) ` +
			`C.mount("y", "/mnt/c/n", "tmpfs", 0, nil)
			C.chroot("/mnt/c") C.chdir("/") C.pivot_root("/n", "/n")`,
		error: `init.script:2: pivot_root("/n", "/n"): invalid argument (EINVAL)`,
		hint: `the present root is a chroot, not a mount point, and cannot be put anywhere: call ` +
			`pivot_root outside of it`},
	{name: "file without id maps", ns: withinUser,
		script: tmpfsOnMnt + `C.mkdir("/mnt/a", mode(7, 0, 0))`,
		error:  `init.script:1: mkdir("/mnt/a", 448): value too large for defined data type (EOVERFLOW)`,
		hint: `the user or group id of the script is not mapped in its user namespace, so nothing ` +
			`can belong to it: give both id maps (UIDMap and GIDMap, --map-root) before files are ` +
			`created`},
	{name: "id that is not mapped", ns: "user", mapped: true, script: `C.setresuid(5, 5, 5)`,
		error: `init.script:1: setresuid(5, 5, 5): invalid argument (EINVAL)`,
		hint: `an id is not mapped in the user namespace: add it to its id maps (UIDMap, GIDMap, ` +
			`--uid-map, --gid-map)`},
	{name: "setgroups disabled", ns: "user", mapped: true, needs: requireOrdinaryUser,
		script: `C.setgroups({0})`,
		error:  `init.script:1: setgroups((table)): operation not permitted (EPERM)`,
		hint: `setgroups is disabled in this user namespace, or its gid_map is not written: an ` +
			`ordinary user can map group ids only after giving up setgroups; leave the call out, or ` +
			`have newgidmap(1) write the map`},
	{name: "gid_map with setgroups", script: `C.unshare(C.CLONE_NEWUSER) local f = ` +
		`C.open("/proc/self/gid_map", C.O_WRONLY) C.write(f, "0 0 1")`,
		error: `init.script:1: write(4, "0 0 1"): operation not permitted (EPERM)`,
		hint: `likely setgroups is still allowed there: write "deny" to the file setgroups beside it ` +
			`first; and without CAP_SETGID outside only the own group id can be mapped`},
	{name: "uid_map with more ids", script: `C.unshare(C.CLONE_NEWUSER) local f = ` +
		`C.open("/proc/self/uid_map", C.O_WRONLY) C.write(f, "0 0 5")`,
		error: `init.script:1: write(4, "0 0 5"): operation not permitted (EPERM)`,
		hint: `likely more than the own user id is mapped, for which CAP_SETUID is needed in the ` +
			`user namespace outside, or the map is written already, which works once`},
	{name: "unshare without capability", ns: "user", mapped: true,
		script: `C.cap_set_proc("=") C.unshare(C.CLONE_NEWNET)`,
		error:  `init.script:1: unshare(1073741824): operation not permitted (EPERM)`,
		hint: `CAP_SYS_ADMIN is needed, and the script has given it up in line 1: call unshare ` +
			`before that`},
	{name: "unknown Landlock right", needs: testkit.RequireLandlock,
		script: `C.landlock_create_ruleset({handled_access_net = {"bind_udp"}})`,
		error:  `init.script:1: landlock_create_ruleset((table)): invalid argument (EINVAL)`,
		hint: `this kernel has Landlock ABI …, without bind_udp (ABI 10): leave out what ` +
			`C.landlock_create_ruleset(nil, {"version"}) is too low for`},
	{name: "Landlock right that is not handled", needs: testkit.RequireLandlock,
		script: `local r = C.landlock_create_ruleset({handled_access_fs = {"execute"}})
			C.landlock_add_rule(r, "path_beneath", ` +
			`{allowed_access = {"read_dir"}, parent_fd = C.open("/", C.O_PATH)})`,
		error: `init.script:2: landlock_add_rule(4, "path_beneath", (table)): invalid argument (EINVAL)`,
		hint: `allowed_access names a right that the ruleset does not handle, or, for a file, one ` +
			`that only directories have`},
	{name: "Landlock without no_new_privs", needs: testkit.RequireLandlock,
		script: `local r = C.landlock_create_ruleset({handled_access_fs = {"execute"}}) ` +
			`C.cap_set_proc("=") C.landlock_restrict_self(r)`,
		error: `init.script:1: landlock_restrict_self(4): operation not permitted (EPERM)`,
		hint: `a process without CAP_SYS_ADMIN must set no_new_privs first: call set_no_new_privs() ` +
			`before`},
	{name: "too many rulesets", needs: testkit.RequireLandlock,
		script: `set_no_new_privs() local r = C.landlock_create_ruleset({handled_access_fs = ` +
			`{"execute"}}) for i = 1, 17 do C.landlock_restrict_self(r) end`,
		error: `init.script:1: landlock_restrict_self(4): argument list too long (E2BIG)`,
		hint:  `a process can be restricted by 16 rulesets at most: put the rules into fewer`},
	{name: "seccomp without no_new_privs",
		script: `C.cap_set_proc("=") C.seccomp_set_mode_filter(` + testkit.AllowAll + `)`,
		error:  `init.script:1: seccomp_set_mode_filter("…"): permission denied (EACCES)`,
		hint: `a process without CAP_SYS_ADMIN must set no_new_privs first: call set_no_new_privs() ` +
			`before`},
	{
		name: "refused by the script's filter",
		script: `set_no_new_privs() C.seccomp_set_mode_filter(` + echoErrno(
			unix.SYS_CHDIR,
			unix.EPERM,
		) + `)
			C.chdir("/")`,
		error: `init.script:2: chdir("/"): operation not permitted (EPERM)`,
		hint: `likely the seccomp filter that the script installed in line 1 refuses the call: ` +
			`install it later, or allow the call`,
	},
	{name: "refused by the script's ruleset", needs: testkit.RequireLandlock,
		script: forbidWrite + `C.mkdir("/tmp/refused", 448)`,
		error:  `init.script:1: mkdir("/tmp/refused", 448): permission denied (EACCES)`,
		hint: `likely the Landlock ruleset in force since the call in line 1 does not allow it: ` +
			`restrict later, or add a rule`},
	{name: "not executable", path: "data",
		error: `exec /…/data: permission denied (EACCES)`,
		hint:  `the file is not executable (mode 0644): chmod +x`},
	{name: "directory", path: ".",
		error: `exec /…: permission denied (EACCES)`,
		hint:  `the file is a directory`},
	{name: "device", path: "/dev/null",
		error: `exec /dev/null: permission denied (EACCES)`,
		hint:  `the file is not a regular file`},
	{name: "interpreter missing", path: "shebang",
		error: `exec /…/shebang: its interpreter /no/such/interpreter is not there`,
		hint: `the file is there, but /no/such/interpreter, which it names as its interpreter or ` +
			`dynamic loader, is not: make it, and its libraries, visible in the script's root`},
	{name: "loader missing", path: "loader",
		error: `exec /…/loader: its interpreter /no/such/ld.so is not there`,
		hint: `the file is there, but /no/such/ld.so, which it names as its interpreter or dynamic ` +
			`loader, is not: make it, and its libraries, visible in the script's root`},
	{name: "interpreter not executable", path: "interpreted",
		error: `exec /…/interpreted: permission denied (EACCES)`,
		hint:  `its interpreter /etc/passwd is not executable (mode 0644): chmod +x`},
	{name: "no format", path: "garbage",
		error: `exec /…/garbage: exec format error (ENOEXEC)`,
		hint: `the kernel does not know the format: a script needs a first line such as "#!/bin/sh", ` +
			`a program must be made for this architecture`},
	{name: "not searchable", path: "closed/true", needs: requireOrdinaryUser,
		error: `exec /…/closed/true: permission denied (EACCES)`,
		hint: `the ids of the process may not search a directory on the way to the file: chmod +x ` +
			`the directories, or choose other ids`},
	{name: "not for these ids", path: "private", needs: requireOrdinaryUser,
		error: `exec /…/private: permission denied (EACCES)`,
		hint:  `the ids of the process have no right to execute the file (mode 0601)`},
	{name: "noexec mount", ns: withinUser, mapped: true, path: "/mnt/true",
		script: `C.mount("x", "/mnt", "tmpfs", C.MS_NOEXEC, nil) local f = C.open("/mnt/true", ` +
			`bit.bor(C.O_CREAT, C.O_WRONLY), mode(7, 5, 5)) C.close(f)`,
		error: `exec /mnt/true: permission denied (EACCES)`,
		hint: `the file is on a mount with the flag noexec: mount it without C.MS_NOEXEC, or put it ` +
			`elsewhere`},
	{name: "execve in the script", ns: withinUser, mapped: true,
		script: `C.mount("x", "/mnt", "tmpfs", C.MS_NOEXEC, nil) local f = C.open("/mnt/true", ` +
			`bit.bor(C.O_CREAT, C.O_WRONLY), mode(7, 5, 5)) C.close(f)
			C.execve("/mnt/true", {"true"}, {})`,
		error: `init.script:2: execve("/mnt/true", (table), (table)): permission denied (EACCES)`,
		hint: `the file is on a mount with the flag noexec: mount it without C.MS_NOEXEC, or put it ` +
			`elsewhere`},
	{name: "Landlock without execute", needs: testkit.RequireLandlock, script: forbidWrite,
		path:  "/bin/true",
		error: `exec /bin/true: permission denied (EACCES)`,
		hint: `likely the Landlock ruleset in force since the call in line 1: it must allow ` +
			`"execute" for the file, and for its interpreter or dynamic loader`},
	{name: "seccomp without execve", path: "/bin/true",
		script: `set_no_new_privs() C.seccomp_set_mode_filter(` +
			echoErrno(unix.SYS_EXECVE, unix.EACCES) + `)`,
		error: `exec /bin/true: permission denied (EACCES)`,
		hint:  `likely the seccomp filter that the script installed in line 1 refuses execve`},

	// What is known to nobody, or plain, has no hint.
	{name: "no such file", script: `C.open("/no/such/file", 0)`,
		error: `init.script:1: open("/no/such/file", 0): no such file or directory (ENOENT)`},
	{name: "Lua error", script: `error("x")`, error: `init.script:1: x`},
	{name: "not found", path: "/no/such/program",
		error: `exec /no/such/program: no such file or directory (ENOENT)`},
	{name: "mount of nothing", ns: withinUser, mapped: true,
		script: `C.mount("x", "/no/such", "tmpfs", 0, nil)`,
		error:  `init.script:1: mount("x", "/no/such", "tmpfs", 0): no such file or directory (ENOENT)`},
	{name: "invalid flags", ns: withinUser, mapped: true, script: `C.unshare(1)`,
		error: `init.script:1: unshare(1): invalid argument (EINVAL)`},
	{name: "ffi.C of a static program", needs: requireStatic,
		script: `local ffi = require("ffi") local libc = ffi.C ffi.cdef("char *getcwd(char *, ` +
			`size_t);") libc.getcwd(nil, 0)`,
		error: `init.script:1: initscript-server: undefined symbol: getcwd`,
		hint: `likely this program is linked statically, where ffi.C has no functions: ` +
			`use those of the table C, or build it with shared libraries`},
	{name: "misspelt function of the C library", needs: requireShared,
		script: `local ffi = require("ffi") local libc = ffi.C ffi.cdef("int getcwb(int);") ` +
			`libc.getcwb(0)`,
		error: `init.script:1: …: undefined symbol: getcwb`},
}

// echoErrno is a filter that refuses one system call.
func echoErrno(systemCall uint32, errno unix.Errno) string {
	return testkit.LuaLiteral(append(append(append(
		testkit.Instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, 0),
		testkit.Instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 1, systemCall)...),
		testkit.Instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ERRNO|uint32(errno))...),
		testkit.Instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW)...))
}

func requireOrdinaryUser(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("needs an ordinary user") // the suite runs as one too
	}
}

func requireStatic(t *testing.T) {
	t.Helper()
	if !ffitest.Static(t) {
		t.Skip("needs a program that is linked statically")
	}
}

func requireShared(t *testing.T) {
	t.Helper()
	if ffitest.Static(t) {
		t.Skip("needs a program that is linked with shared libraries")
	}
}

func requireExt4(t *testing.T) {
	t.Helper()
	list, err := os.ReadFile("/proc/filesystems")
	testkit.Must(t, err)
	if !strings.Contains(string(list), "\text4\n") {
		t.Skip("this kernel has no ext4, or has not loaded it")
	}
}

// writePrograms makes what cannot be executed, for various reasons.
func writePrograms(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	write := func(name, content string, mode os.FileMode) {
		path := filepath.Join(directory, name)
		testkit.Must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		testkit.Must(t, os.WriteFile(path, []byte(content), 0o600))
		testkit.Must(t, os.Chmod(path, mode))
	}
	write("data", "no program", 0o644)
	write("garbage", "\x00\x01\x02", 0o755)
	write("shebang", "#! /no/such/interpreter -x\n", 0o755)
	write("interpreted", "#!/etc/passwd\n", 0o755)
	write("loader", string(testkit.ProgramWithLoader(t, "/no/such/ld.so")), 0o755)
	write("private", "#!/bin/sh\n", 0o601)
	write("closed/true", "#!/bin/sh\n", 0o755)
	closed := filepath.Join(directory, "closed")
	testkit.Must(t, os.Chmod(closed, 0o600))
	t.Cleanup(func() { os.Chmod(closed, 0o700) })
	return directory
}

func TestHints(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	directory := writePrograms(t)
	for _, test := range hintCases {
		t.Run(test.name, func(t *testing.T) {
			if test.needs != nil {
				test.needs(t)
			}
			cmd := testkit.Command(t, test.script)
			namespaces, err := initscript.ParseNamespaces(test.ns)
			testkit.Must(t, err)
			if test.mapped {
				testkit.InUserNamespace(0)(cmd)
			}
			cmd.Namespaces = namespaces
			if cmd.Path = test.path; test.path != "" && !strings.HasPrefix(test.path, "/") {
				cmd.Path = filepath.Join(directory, test.path)
			}
			cmd.Args = []string{cmd.Path}
			testkit.Must(t, cmd.Start())
			early := cmd.WaitScript()
			err = cmd.Wait()
			checkHint(t, err, test.error, test.hint)
			if early != nil && initscript.Hint(early) != initscript.Hint(err) {
				t.Errorf("WaitScript: %q", initscript.Hint(early))
			}
		})
	}
}

// checkHint compares what an error says with patterns.
func checkHint(t *testing.T, err error, text, hint string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %s", text)
	}
	if !matches(err.Error(), text) {
		t.Errorf("error %s\nwant  %s", err, text)
	}
	if got := initscript.Hint(err); !matches(got, hint) {
		t.Errorf("hint %q\nwant %q", got, hint)
	}
}

// matches tells whether the text is the pattern, in which "…" stands for anything.
func matches(text, pattern string) bool {
	parts := strings.Split(pattern, "…")
	if len(parts) == 1 {
		return text == pattern
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	for _, part := range parts[1 : len(parts)-1] {
		if !ok {
			return false
		}
		_, rest, ok = strings.Cut(rest, part)
	}
	return ok && strings.HasSuffix(rest, parts[len(parts)-1])
}
