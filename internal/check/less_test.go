package check_test

import (
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/check"
)

// less are scripts that look like a success and are less, with the beginning of what is reported, which
// is all. Most succeed when they run, and print output; fails is for those of which a part raises an
// error, as our own extensions do, and depends for those where it depends on the user or the machine.
var less = []struct {
	source, want   string
	fails, depends bool
	output         string
}{
	// Ids and other numbers that are cut.
	{source: `C.setresuid(2^32, -1, -1) print(C.getuid())`,
		want: "1:13: error: argument 1 of C.setresuid, real, " +
			"is 4294967296, not an integer from -1 to 4294967295 [argument-value]", output: "0\n"},
	{source: `C.setresgid(-1, 2^33, -1)`,
		want: "1:17: error: argument 2 of C.setresgid, effective, is 8589934592"},
	{source: `C.setresuid(0.5, -1, -1)`, want: "1:13: error: argument 1 of C.setresuid, real, is 0.5"},
	{source: `C.setresuid("0.9", -1, -1)`, want: "1:13: error: argument 1 of C.setresuid, real, is 0.9"},
	{source: `local BASE = 2^32 local uid = BASE * 1 C.setresuid(uid, -1, -1)`,
		want: "1:52: error: argument 1 of C.setresuid, real, is 4294967296"},
	{source: `C.setresuid(-2^32, -1, -1)`,
		want: "1:13: error: argument 1 of C.setresuid, real, is -4294967296"},
	{source: `C.setresuid(-2, -1, -1)`,
		want: "1:13: error: argument 1 of C.setresuid, real, is -2", fails: true},
	{source: `C.chown(".", 2^32, -1)`, want: "1:14: error: argument 2 of C.chown, uid, is 4294967296"},
	{source: `C.fchownat(C.AT_FDCWD, ".", -1, 2^32, 0)`, fails: true,
		want: "1:33: error: argument 4 of C.fchownat, gid, is 4294967296"},
	{source: `C.fchown(99, 1.5, -1)`, want: "1:14: error: argument 2 of C.fchown, uid, is 1.5",
		fails: true},
	{source: `C.umask(1/0)`,
		want: "1:9: error: argument 1 of C.umask, mask, is Inf, not an integer from 0 to 511"},
	{source: `C.umask(0/0)`, want: "1:9: error: argument 1 of C.umask, mask, is NaN"},
	{source: `C.umask(math.huge)`, want: "1:9: error: argument 1 of C.umask, mask, is Inf"},
	{source: `C.umask("inf")`, want: "1:9: error: argument 1 of C.umask, mask, is Inf"},
	{source: `C.umask(bit.bnot(18))`, want: "1:9: error: argument 1 of C.umask, mask, is -19"},
	{source: `C.umask(tonumber("1022", 8))`, want: "1:9: error: argument 1 of C.umask, mask, is 530"},
	{source: `C.mkdir("d", mode(7, 0, 0) + 2048)`,
		want: "1:14: error: argument 2 of C.mkdir, mode, is 2496"},
	{source: `C.mkdir("d", mode(7, 9, 0))`,
		want: "1:22: error: argument 2 of mode, group, is 9, not an integer from 0 to 7"},
	{source: `C.chmod(".", 2^16)`, want: "1:14: error: argument 2 of C.chmod, mode, is 65536"},
	{source: `C.dup2(2^32 + 1, 9)`, want: "1:8: error: argument 1 of C.dup2, old_fd, is 4294967297"},
	{source: `C.close(1.5)`, want: "1:9: error: argument 1 of C.close, fd, is 1.5"},
	{source: `C.unshare(2^32)`, want: "1:11: error: argument 1 of C.unshare, flags, is 4294967296"},
	{source: `C.read(0, 0.5)`, want: "1:11: error: argument 2 of C.read, size, is 0.5"},
	{source: `C.setpgid(2^32, 0)`, want: "1:11: error: argument 1 of C.setpgid, pid, is 4294967296"},
	{source: `C.makedev(1.5, 3)`, want: "1:11: error: argument 1 of C.makedev, major, is 1.5"},
	{source: `C.setrlimit(C.RLIMIT_CORE, 0.5, 1)`,
		want: "1:28: error: argument 2 of C.setrlimit, soft, is 0.5", fails: true},
	{source: `C.setrlimit(C.RLIMIT_CORE, -2, 1)`,
		want: "1:28: error: argument 2 of C.setrlimit, soft, is -2", fails: true},
	{source: `C.setgroups({ 0, 2^32 })`,
		want:    "1:18: error: an element of argument 1 of C.setgroups, groups, is 4294967296",
		depends: true},
	{source: `C.openat2(C.AT_FDCWD, "/", { flags = 0.5 })`,
		want: "1:38: error: the field flags is 0.5", fails: true},
	{source: `C.mount_setattr(C.AT_FDCWD, "/", 0, { attr_set = 0.5 })`,
		want:    "1:50: error: the field attr_set is 0.5",
		depends: true},
	{source: `C.landlock_add_rule(3, "net_port", { allowed_access = { "bind_tcp" }, port = 80.5 })`,
		fails: true,
		want:  "1:78: error: the field port is 80.5, not an integer from 0 to 65535"},

	// Texts.
	{source: `C.cap_drop_bound("cap_chown,cap_kill")`,
		want: `1:18: error: C.cap_drop_bound takes one capability: of ` +
			`"cap_chown,cap_kill" only cap_chown is looked at [argument-value]`},
	{source: `C.cap_drop_bound("CAP_CHOWN ")`,
		want: `1:18: error: C.cap_drop_bound takes one capability: of "CAP_CHOWN "`},
	{source: `C.cap_drop_bound("cap_chown" .. "=ep")`,
		want: `1:18: error: C.cap_drop_bound takes one capability`},
	{source: `C.cap_set_ambient("cap_chown;", false)`,
		want: `1:19: error: C.cap_set_ambient takes one capability`},
	{source: `C.cap_drop_bound("cap_chow")`,
		want:  `1:18: error: there is no capability "cap_chow" (did you mean cap_chown?)`,
		fails: true},
	{source: `C.cap_set_proc("cap_chown=ep,cap_kill=ep")`, fails: true,
		want: `1:16: error: C.cap_set_proc: "cap_chown=ep,cap_kill=ep" is not understood, see ` +
			`cap_from_text(3)`},
	{source: `C.cap_set_proc("cap_chow=ep")`,
		want: `1:16: error: C.cap_set_proc: there is no capability "cap_chow"`, fails: true},
	{source: `C.cap_set_proc("+ep")`,
		want: `1:16: error: C.cap_set_proc: "+ep" is not understood`, fails: true},
	{source: `C.chdir("/\0proc")`,
		want: `1:9: error: argument 1 of C.chdir, path, has a NUL byte, where it ends: it is "/"`},
	{source: `C.unlink("a\0b")`,
		want: `1:10: error: argument 1 of C.unlink, path, has a NUL byte`, fails: true},
	{source: `set_no_new_privs() C.seccomp_set_mode_filter("/etc/filter.bpf")`, fails: true,
		want: `1:46: error: this is no compiled filter, as C.read returns it from a file: it has ` +
			`15 bytes`},
	{source: `set_no_new_privs() C.seccomp_set_mode_filter("policy.b")`, fails: true,
		want: `1:46: error: this is no compiled filter, as C.read returns it from a file: ` +
			`"policy.b" is no instruction`},
	{source: `C.execve("/bin/true", { "true", "a\0b" }, {})`,
		want: `1:33: error: an element of argument 2 of C.execve, argv, has a NUL byte, where it ` +
			`ends: it is "a"`},
	{source: `C.execve("/bin/true", { "true" }, { ["A=B"] = "c" })`,
		want: `1:38: error: "A=B" is no name of a variable`},
	{source: `C.execve("/bin/true", { "true" }, { "A=B" })`, fails: true,
		want: `1:37: error: argument 3 of C.execve, envp has names: this has none [list]`},

	// Lists.
	{source: `C.setgroups({ 0, nil, 7 })`,
		want:    "1:23: error: this comes after a nil, where the list ends: it is ignored [list]",
		depends: true},
	{source: `C.setgroups({ [1] = 0, [3] = 7 })`,
		want: "1:30: error: the list ends at 1: what has the key 3 is ignored", depends: true},
	{source: `C.setgroups({ [0] = 7 })`,
		want: "1:21: error: the list ends at 0: what has the key 0 is ignored", depends: true},
	{source: `C.setgroups({ audio = 7 })`,
		want: "1:15: error: argument 1 of C.setgroups, groups is a list, without names: audio " +
			"is ignored",
		depends: true},
	{source: `local more C.setgroups({ 0, more, 7 })`,
		want: "1:35: error: this comes after a nil", depends: true},
	{source: `local more = arg and 7 or nil C.setgroups({ 0, more, 7 })`,
		want:    "1:48: warning: where this is nil the list ends, and what comes after it is ignored",
		depends: true},
	{source: `C.landlock_create_ruleset({ handled_access_fs = { "execute", nil, "write_file" } })`,
		want: "1:67: error: this comes after a nil"},
	{source: `C.landlock_create_ruleset({ handled_access_fs = { "execute", write_file = true } })`,
		want: "1:62: error: the field handled_access_fs is a list, without names: write_file is " +
			"ignored"},
	{source: `C.landlock_create_ruleset({ handled_access_fs = { "execute", "execute" } })`,
		want: `1:62: error: "execute" is given twice`},
	{source: `C.landlock_create_ruleset({ handled_access_net = { nil, "bind_tcp" } })`,
		want: "1:57: error: this comes after a nil", fails: true},
	{source: `set_no_new_privs() C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 255, ` +
		`127), { log = true })`, fails: true,
		want: "1:89: error: argument 2 of C.seccomp_set_mode_filter, flags is a list, without " +
			"names: log is ignored"},
	{source: `C.execve("/bin/echo", { "echo", "a", nil, "b" }, {})`,
		want: "1:43: error: this comes after a nil", output: "a\n"},
	{source: `local rights = { "execute" } rights[#rights + 1] = "write_files" ` +
		`C.landlock_create_ruleset({ handled_access_fs = rights })`,
		want: `1:52: error: "write_files" does not exist here (did you mean write_file?)`, fails: true},
	{source: `local groups = {} table.insert(groups, 2^32) C.setgroups(groups)`, depends: true,
		want: "1:40: error: an element of argument 1 of C.setgroups, groups, is 4294967296"},

	// Fields and arguments.
	{source: `C.mount_setattr(C.AT_FDCWD, "/", 0, { C.MOUNT_ATTR_RDONLY })`, depends: true,
		want: "1:39: error: argument 4 of C.mount_setattr, attr has fields: this has no name"},
	{source: `C.chdir("/", "/proc")`,
		want: "1:14: error: C.chdir takes 1 argument (path): this is ignored"},
	{source: `C.open("f", C.O_CREAT + C.O_WRONLY)`,
		want: "1:7: error: C.open with C.O_CREAT takes 3 arguments: mode is missing"},
	{source: `C.open("f", C.O_CREAT, nil)`,
		want: "1:24: error: C.open with C.O_CREAT takes 3 arguments: mode is nil"},
	{source: `C.prctl(C.PR_SET_PDEATHSIG)`,
		want:  "1:8: error: C.prctl with C.PR_SET_PDEATHSIG takes 2 arguments: arg2 is missing",
		fails: true},
	{source: `C.fcntl(0, C.F_SETFD)`,
		want: "1:8: error: C.fcntl with C.F_SETFD takes 3 arguments: argument is missing", fails: true},
	{source: `C.fcntl(0, C.F_SETFD, C.O_CLOEXEC)`,
		want: "1:23: error: F_SETFD sets FD_CLOEXEC, not C.O_CLOEXEC", fails: true},
	{source: `C.fcntl(0, C.F_SETFL, C.O_NONBLOCK + C.O_CLOEXEC)`,
		want: "1:38: error: F_SETFL does not set C.O_CLOEXEC", fails: true},
	{source: `C.keyctl(C.KEYCTL_CLEAR)`,
		want:  "1:9: error: C.keyctl with C.KEYCTL_CLEAR takes 2 arguments: arg2 is missing",
		fails: true},
	{source: `print(arg[1])`,
		want: "1:7: error: arg is the number of a descriptor, or nil, not a table", fails: true},
	{source: `print(#arg)`, want: "1:8: error: arg is the number of a descriptor", fails: true},

	// The working directory.
	{source: `C.chroot("/proc") print(io.open("self") ~= nil)`, output: "false\n",
		want: "1:1: error: the program starts in a directory " +
			`outside of the new root, which is a way out: C.chdir("/") is missing after C.chroot ` +
			`[root-directory]`},
	{source: `C.chdir("/") C.chroot("/proc")`, want: "1:14: error: the program starts"},
	{source: `C.chroot("/proc") C.chdir(".")`, want: "1:1: error: the program starts"},
	{source: `local function f() C.chroot("/usr") end if arg then f() end`,
		want: "1:20: error: the program starts"},
	{source: `C.chroot("/usr") C.execve("/bin/true", { "true" }, {})`,
		want: "1:1: error: the program starts"},
	{source: `C.mount("x", "/tmp", "tmpfs", 0, nil) C.mkdir("/tmp/old", 448) C.pivot_root("/tmp", ` +
		`"/tmp/old")`, depends: true,
		want: "1:64: error: the program starts"},

	// errexit, and the end.
	{source: `errexit = 0`,
		want: "1:11: error: only false and nil are false in Lua: errexit is on with a number"},
	{source: `errexit = "false"`,
		want: `1:11: error: only false and nil are false in Lua: errexit is on with the string "false"`},
	{source: `local errexit = false`,
		want: "1:7: error: errexit is a global variable: a local one of this name changes nothing"},
	{source: `C.errexit = false`,
		want: "1:1: error: errexit is a global variable, not a field of C: this changes nothing"},
	{source: `os.exit(0)`,
		want: "1:1: warning: this ends the process with status 0: the program is not run, and " +
			"nobody is told [exit]"},
	{source: `os.exit()`, want: "1:1: warning: this ends the process with status 0"},
	{source: `if io.read() then os.exit(true) end`,
		want: "1:19: warning: this ends the process with status 0"},
}

func TestLess(t *testing.T) {
	for _, c := range less {
		got := lines(check.Check(c.source, check.Options{}))
		if len(got) != 1 || !strings.HasPrefix(got[0], c.want) {
			t.Errorf("%q:\ngot  %q\nwant %q", c.source, got, c.want)
		}
	}
}

// In these nothing is less than it looks like, or it is not certain.
var asWritten = []string{
	`C.setresuid(-1, 2^32 - 1, 4294967295)`, `C.setresuid(tonumber(io.read()), io.read() * 2, -1)`,
	`C.umask(bit.bor(18, mode(0, 2, 2)))`,
	`C.mount(nil, "/", nil, bit.bor(2^31, C.MS_REC), nil)`, `C.mkdir("d", tonumber("1777", 8))`,
	`C.mkdir("d", bit.lshift(7, 6))`,
	`C.setrlimit(C.RLIMIT_AS, 2^40, -1)`, `C.prctl(C.PR_SET_TIMERSLACK, 10^9)`,
	`C.chmod("d", mode(4 * 8 + 7, 5, 5))`,
	`local n = 2^32 n = 1 C.setresuid(n, n, n)`, `C.close(bit.arshift(2, 1))`,
	`C.mknod("x", bit.bor(C.S_IFCHR, mode(6, 6, 6)), C.makedev(1, 3))`,
	`C.cap_drop_bound("CAP_CHOWN")`, `C.cap_drop_bound("5")`, `C.cap_drop_bound(tostring(5))`,
	`C.cap_drop_bound(io.read() .. ",cap_kill")`,
	`C.cap_set_proc("cap_chown,5+ep cap_kill=i")`, `C.cap_set_proc("")`, `C.cap_set_proc("all=ep")`,
	`C.cap_set_proc("CAP_CHOWN=+ep-i")`,
	`C.write(1, "a\0b")`, `write_all(1, "\0")`,
	`bind_unix(C.socket(C.AF_UNIX, C.SOCK_STREAM + C.SOCK_CLOEXEC, 0), "\0name")`,
	`set_no_new_privs() C.seccomp_set_mode_filter("\6\0\0\0\0\0\255\127")`,
	`C.setgroups({ 0, nil })`, `C.setgroups({ 0, io.read() and 7 or nil })`,
	`C.setgroups({ [1] = 0, [2] = 7 })`, `C.setgroups({ [io.read()] = 1, [5] = 7 })`,
	`local groups = {} for i = 1, 3 do groups[#groups + 1] = i end C.setgroups(groups)`,
	`C.setgroups({ 5, 5 })`,
	`local t = { "execute" } t[#t + 1] = "wrong" t = { "execute" } C.landlock_create_ruleset({ ` +
		`handled_access_fs = t })`,
	`local t = { "execute" } t[#t + 1] = "wrong" io.write(unpack(t)) C.landlock_create_ruleset({ ` +
		`handled_access_fs = t })`,
	`C.execve("/bin/true", { "true", "true" }, { A = "b=c" })`,
	`C.execve("/bin/true", { "true" }, { [io.read()] = "x" })`,
	`C.open("f", C.O_CREAT, mode(6, 0, 0))`, `C.open("f", tonumber(io.read()))`,
	`C.open("f", C.O_RDONLY)`,
	`C.fcntl(0, C.F_GETFD)`, `C.prctl(C.PR_GET_DUMPABLE)`,
	`C.fcntl(0, C.F_SETFL, bit.bor(C.fcntl(0, C.F_GETFL), C.O_NONBLOCK))`,
	`C.keyctl(C.KEYCTL_JOIN_SESSION_KEYRING)`, `C.fchdir(C.open("/", C.O_PATH))`,
	`if type(arg) == "table" then print(arg[1]) end`, `arg = { 1 } print(arg[1])`,
	`if arg then print(arg) end`, `local arg = {} print(#arg)`,
	`C.chroot("/proc") C.chdir("/")`, `C.chdir("/proc") C.chroot(".")`,
	`C.chdir("/proc") C.chroot("/proc")`, `C.chroot("/")`, `C.chroot(io.read())`,
	`C.chdir("/tmp") C.pivot_root(".", ".")`, `C.chdir("/") C.pivot_root("/tmp", "/tmp/old")`,
	`C.chroot("/proc") C.fchdir(5)`, `C.fchdir(5) C.chroot("/proc")`,
	`C.chdir(io.read()) C.chroot("/proc")`, `C.chroot("/proc") C.chdir(io.read())`,
	`if arg then C.chroot("/proc") end if arg then C.chdir("/") end`,
	`local function enter(d) C.chroot(d) C.chdir("/") end enter("/proc")`, `C.chroot("/proc") ` +
		`dofile("x")`,
	`C.chroot("/proc") error("end")`,
	`errexit = false C.chroot("/proc")`, `errexit = nil`, `errexit = true`, `errexit = io.read()`,
	`os.exit(1)`, `os.exit(io.read())`, `os.exit(false)`,
}

func TestAsWritten(t *testing.T) {
	for _, source := range asWritten {
		if got := lines(check.Check(source, check.Options{})); len(got) > 0 {
			t.Errorf("%q: %q", source, got)
		}
	}
}
