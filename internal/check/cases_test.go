package check_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/check"
)

// mistakes are scripts in which something is wrong, with the beginnings of what is reported.
// unproved says that the script does not fail where the tests run, although there is an error.
var mistakes = []struct {
	source   string
	want     []string
	unproved bool
}{
	// Names.
	{source: `local c = C x = c.MS_BINDX`, want: []string{"1:19: error: C.MS_BINDX does not exist " +
		"(did you mean C.MS_BIND?)"}},
	{source: `C["nosuch"]()`, want: []string{"1:3: error: C.nosuch does not exist"}},
	{source: `local key = "nosuch" x = C[key]`, want: []string{"1:28: error: C.nosuch"}},
	{source: `_G.C.nosuch()`, want: []string{"1:6: error: C.nosuch"}},
	{source: `local function f() return C.nosuch end f()`, want: []string{"1:29: error: C.nosuch"}},
	{source: `C.unmount("/", 0)`, want: []string{"1:3: error: C.unmount exists on FreeBSD only"}},
	{source: `local function f() C.cap_enter() end f()`, want: []string{"1:22: error: " +
		"C.cap_enter exists"}},
	{source: `open("/", 0)`, want: []string{"1:1: error: open is called, and is nil: nothing sets " +
		"it (did you mean C.open?)"}},
	{source: `x = MS_BIND.y`, want: []string{"1:5: error: MS_BIND is indexed"}},
	{source: `ffi.cdef("")`, want: []string{"1:1: error: ffi is indexed"}},

	// Arguments.
	{source: `C.close()`, want: []string{"1:8: error: C.close takes 1 argument (fd): fd is " +
		"missing [argument-count]"}},
	{source: `C.mount("a", "b")`, want: []string{"1:8: error: C.mount takes 5 arguments (source, " +
		"target, fstype, flags, data): fstype is missing"}},
	{source: `C.setresuid(C.umask(0))`, want: []string{"1:12: error: C.setresuid takes 3 " +
		"arguments (real, effective, saved): effective is missing"}},
	{source: `C.setsid(1)`, want: []string{"1:10: error: C.setsid takes no argument: this is ignored"},
		unproved: true},
	{source: `set_no_new_privs(true)`, want: []string{"1:18: error: set_no_new_privs takes no argument"},
		unproved: true},
	{source: `C.mkdir("a", "b")`, want: []string{`1:14: error: argument 2 of C.mkdir, mode, is ` +
		`the string "b", not a number`}},
	{source: `C.mkdir({}, 0)`, want: []string{"1:9: error: argument 1 of C.mkdir, path, is a " +
		"table, not a string"}},
	{source: `C.mkdir(nil, 0)`, want: []string{"1:9: error: argument 1 of C.mkdir, path, is nil"}},
	{source: `C.umask(true)`, want: []string{"1:9: error: argument 1 of C.umask, mask, is a boolean"}},
	{source: `C.umask(1LL)`, want: []string{"1:9: error: argument 1 of C.umask, mask, is an " +
		"object of FFI"}},
	{source: `C.umask(print == nil)`, want: []string{"1:9: error: argument 1 of C.umask, mask, is " +
		"a boolean"}},
	{source: `C.umask("--1")`, want: []string{`1:9: error: argument 1 of C.umask, mask, is the ` +
		`string "--1"`}},
	{source: `C.umask("1LL")`, want: []string{`1:9: error: argument 1 of C.umask, mask, is the ` +
		`string "1LL"`}},
	{source: `C.close(C.getgroups)`, want: []string{"1:9: error: argument 1 of C.close, fd, is a " +
		"function"}},
	{source: `local path = {} C.chdir(path)`, want: []string{"1:25: error: argument 1 of C.chdir, " +
		"path, is a table"}},
	{source: `C.chdir(C.setgroups)`, want: []string{"1:9: error: argument 1 of C.chdir, path, is " +
		"a function"}},
	{source: `C.setgroups(C.getuid())`, want: []string{"1:13: error: argument 1 of C.setgroups, " +
		"groups, is a number"}},
	{source: `C.setgroups({ "1" })`, want: []string{`1:15: error: an element of argument 1 of ` +
		`C.setgroups, groups, is the string "1"`}},
	{source: `C.execve("/bin/true", { 1 }, {})`, want: []string{"1:25: error: an element of " +
		"argument 2 of C.execve, argv, is a number"}},
	{source: `C.execve("/bin/true", { "true" }, { A = 1 })`, want: []string{"1:41: error: a value " +
		"in argument 3 of C.execve, envp, is a number"}},
	{source: `C.cap_set_ambient("cap_chown", 1)`, want: []string{"1:32: error: argument 2 of " +
		"C.cap_set_ambient, raise, is a number, not a boolean"}},
	{source: `C:chdir("/")`, want: []string{"1:3: error: C:chdir passes C as the first argument: " +
		"write C.chdir"}},
	{source: `local open = C.open open("/")`, want: []string{"1:25: error: C.open takes 3 " +
		"arguments (path, flags, mode): flags is missing"}},
	{source: `C.umask(022)`, want: []string{"1:9: warning: 022 is decimal in Lua, 22: the octal " +
		"number is mode(0, 2, 2)"}},
	{source: `local MODE = 01777 C.mkdir("a", MODE)`, want: []string{`1:33: warning: 01777 is ` +
		`decimal in Lua, 1777: the octal number is tonumber("1777", 8)`}},

	// Texts and fields.
	{source: `C.seccomp_set_mode_filter("x", { "Log" })`, want: []string{
		"1:1: warning: C.seccomp_set_mode_filter fails with EACCES", `1:27: error: this is no ` +
			`compiled filter`,
		`1:34: error: "Log" does not exist here`}},
	{source: `C.landlock_create_ruleset(nil, { "versions" })`, want: []string{`1:34: error: ` +
		`"versions" does not exist here (did you mean version?)`}},
	{source: `C.landlock_create_ruleset({ handled_access_fs = { 1 } })`,
		want: []string{"1:51: error: an element of the field handled_access_fs is a number"}},
	{source: `C.landlock_add_rule(5, "path", {})`, want: []string{`1:24: error: ` +
		`C.landlock_add_rule takes "net_port" or "path_beneath" here, not "path"`}},
	{source: `C.landlock_add_rule(5, "net_port", { allowed_access = {}, port = 1, parent_fd = 1 })`,
		want: []string{"1:69: error: there is no field parent_fd"}},
	{source: `C.landlock_add_rule(5, "path_beneath", { allowed_access = { "execute" } })`,
		want: []string{"1:40: error: the field parent_fd is missing"}},
	{source: `local attr = { handled_access_fs = {}, net = {} } C.landlock_create_ruleset(attr)`,
		want: []string{"1:40: error: there is no field net"}},
	{source: `C.openat2(C.AT_FDCWD, "/", { flags = "r" })`, want: []string{`1:38: error: the ` +
		`field flags is the string "r"`}},

	// Results.
	{source: `x, y = C.makedev(1, 2)`, want: []string{"1:4: warning: this is nil: C.makedev " +
		"returns 1 value; it cannot fail"}},
	{source: `local a, b, c = 1, C.getpid()`, want: []string{"1:13: warning: this is nil: " +
		"C.getpid returns 1 value"}},
	{source: `local x = C.closefrom(50)`, want: []string{"1:7: warning: this is nil: C.closefrom " +
		"returns no value"}},
	{source: `local fd, errno, more = C.open("/", C.O_RDONLY)`, want: []string{"1:18: warning: " +
		"this is nil: C.open returns 2 values"}},

	// Order.
	{source: fileRuleset + "set_no_new_privs() C.landlock_restrict_self(r)\nC.umount('/')",
		want: []string{"3:1: error: C.umount fails with EPERM: C.landlock_restrict_self in line 2"}},
	{source: fileRuleset + "set_no_new_privs() C.landlock_restrict_self(r)\nC.umount2('/', 0)",
		want: []string{"3:1: error: C.umount2 fails"}},
	{source: fileRuleset + "set_no_new_privs() C.landlock_restrict_self(r)\nC.pivot_root('/', '/')",
		want: []string{"3:1: error: C.pivot_root fails"}},
	{source: fileRuleset + "set_no_new_privs() " +
		"C.landlock_restrict_self(r)\nC.move_mount(C.AT_FDCWD, '/proc', C.AT_FDCWD, " +
		"'/sys', 0)", want: []string{"3:1: error: C.move_mount fails"}},
	{source: fileRuleset + "set_no_new_privs()\nlocal function lock() C.landlock_restrict_self(r) " +
		"end\nlocal function box() if arg then C.mount('a', '/mnt', 'tmpfs', 0) end end\n" +
		"lock() box()", want: []string{"4:34: error: C.mount fails with EPERM: " +
		"C.landlock_restrict_self in line 3"}, unproved: true},
	{source: fileRuleset + "C.landlock_restrict_self(r)", want: []string{"2:1: warning: " +
		"C.landlock_restrict_self fails with EPERM without CAP_SYS_ADMIN"}},
	{source: fileRuleset + "C.cap_set_proc('=') C.landlock_restrict_self(r)",
		want: []string{
			"2:21: error: C.landlock_restrict_self fails with EPERM: set_no_new_privs() is not " +
				"called before it",
		}},
	{source: "C.cap_set_proc('cap_chown=ep')\nC.seccomp_set_mode_filter(string.char(6, 0, 0, 0, " +
		"0, 0, 0, 0))", want: []string{"2:1: error: C.seccomp_set_mode_filter fails with EACCES: " +
		"set_no_new_privs()"}},
	{source: "C.setresuid(0, 0, 0)\nC.cap_set_proc('=p')\nC.sethostname('x')",
		want: []string{
			"3:1: error: C.sethostname needs cap_sys_admin, which C.cap_set_proc in line 2 has given up",
		}},
	{source: "C.cap_set_proc('cap_sys_admin=ep')\nC.chroot('/')", want: []string{"2:1: error: " +
		"C.chroot needs cap_sys_chroot"}},
	{source: "C.cap_set_proc('=')\nC.unshare(C.CLONE_NEWNET)", want: []string{"2:1: error: " +
		"C.unshare needs cap_sys_admin"}},
	{source: "C.cap_set_proc('=')\nC.setns(C.open('/proc/self/ns/net', 0), C.CLONE_NEWNET)",
		want: []string{"2:1: error: C.setns needs cap_sys_admin"}},
	{source: "C.cap_set_proc('=')\nC.open_tree(C.AT_FDCWD, '/', C.OPEN_TREE_CLONE)",
		want: []string{"2:1: error: C.open_tree needs cap_sys_admin"}},
	{source: "C.cap_set_proc('=')\nC.mknod('x', bit.bor(C.S_IFCHR, mode(6, 6, 6)), 0x103)",
		want: []string{"2:1: error: C.mknod needs cap_mknod"}},
	{source: "C.cap_set_proc('=')\nC.mknodat(C.AT_FDCWD, 'x', C.S_IFBLK, 0x103)",
		want: []string{"2:1: error: C.mknodat needs cap_mknod"}},
	{source: "C.cap_set_proc('=')\nC.cap_drop_bound('cap_chown')", want: []string{"2:1: error: " +
		"C.cap_drop_bound needs cap_setpcap"}},
	{source: "C.cap_set_proc('=')\nC.cap_set_secbits(C.SECBIT_NOROOT)",
		want: []string{"2:1: error: C.cap_set_secbits needs cap_setpcap"}},
	{source: "C.cap_set_proc('=')\nC.prctl(C.PR_CAPBSET_DROP, 0)", want: []string{"2:1: error: " +
		"C.prctl needs cap_setpcap"}},
	{source: "C.cap_set_proc('=')\nC.setgroups({})", want: []string{"2:1: error: C.setgroups " +
		"needs cap_setgid"}},
	{source: "C.cap_set_proc('=')\nC.setdomainname('x')", want: []string{"2:1: error: " +
		"C.setdomainname needs cap_sys_admin"}},
	{source: "C.cap_set_proc('=')\nC.mount('x', '/tmp', 'tmpfs', 0)", want: []string{"2:1: error: " +
		"C.mount needs cap_sys_admin"}},
	{source: "C.cap_set_proc('=')\nC.umount('/proc')", want: []string{"2:1: error: C.umount needs " +
		"cap_sys_admin"}},
	{source: "C.cap_set_proc('=')\nC.umount2('/proc', 0)", want: []string{"2:1: error: C.umount2 " +
		"needs cap_sys_admin"}},
	{source: "C.cap_set_proc('=')\nC.pivot_root('/', '/')", want: []string{"2:1: error: " +
		"C.pivot_root needs cap_sys_admin"}},
	{source: "C.cap_set_proc('=')\nC.fsopen('tmpfs', 0)", want: []string{"2:1: error: C.fsopen " +
		"needs cap_sys_admin"}},
	{source: "C.cap_set_proc('=')\nC.fspick(C.AT_FDCWD, '/', 0)", want: []string{"2:1: error: " +
		"C.fspick needs cap_sys_admin"}},
	{source: "C.cap_set_proc('=')\nC.fsmount(0, 0, 0)", want: []string{"2:1: error: C.fsmount " +
		"needs cap_sys_admin"}},
	{source: "C.cap_set_proc('=')\nC.move_mount(0, '', 0, '', C.MOVE_MOUNT_F_EMPTY_PATH)",
		want: []string{"2:1: error: C.move_mount needs cap_sys_admin"}},
	{source: "C.cap_set_proc('=')\nC.mount_setattr(C.AT_FDCWD, '/', 0, {})",
		want: []string{"2:1: error: C.mount_setattr needs cap_sys_admin"}, unproved: true},
	{source: "C.cap_set_proc('=')\nC.setresgid(1000, 1000, 1000)", want: []string{"2:1: warning: " +
		"C.setresgid needs cap_setgid unless the process has these ids already"}},
	{source: "C.setresuid(1000, 1000, 1000)\nC.setresgid(1000, 1000, 1000)",
		want: []string{"2:1: warning: C.setresgid needs cap_setgid unless"}},
	{source: "local UID = 1000 C.setresuid(UID, UID, UID)\nC.chroot('/')",
		want: []string{
			"2:1: warning: C.chroot needs cap_sys_chroot, which C.setresuid in line 1 has given " +
				"up if the user id was 0",
		}},
	{source: "if arg then C.cap_set_proc('=') C.chroot('/') end",
		want: []string{"1:33: error: C.chroot needs"}, unproved: true},
	{source: "for i = 1, 2 do C.cap_set_proc('=') C.chroot('/') end",
		want: []string{"1:37: error: C.chroot needs"}},

	// Calls of libraries between them change nothing.
	{source: "local function f() set_no_new_privs() end\nfor _, x in ipairs({ 1 }) do " +
		"print(tostring(x)) end for x in ('a'):gmatch('.') do x:upper() end\n" +
		"C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 0, 0))",
		want: []string{"3:1: warning: C.seccomp_set_mode_filter"}},

	// Descriptors.
	{source: "local fd = C.open('/', C.O_RDONLY)\n" + execute, want: []string{"1:14: warning: the " +
		"program that C.execve executes in line 2 gets this descriptor, for want of O_CLOEXEC"}},
	{source: "local FLAGS = bit.bor(C.O_RDONLY, C.O_PATH)\nlocal fd = C.open('/', FLAGS) " +
		"C.fchdir(fd)\n" + execute, want: []string{"2:14: warning: the program"}},
	{source: "C.open('/', 0)\n" + execute, want: []string{"1:3: warning: the program"}},
	{source: "local fd = C.openat2(C.AT_FDCWD, '/', { flags = C.O_PATH })\n" + execute,
		want: []string{"1:14: warning: the program"}},
	{source: "local a, b = C.socketpair(C.AF_UNIX, C.SOCK_STREAM, 0)\n" + execute,
		want: []string{
			"1:16: warning: the program that C.execve executes in line 2 gets this descriptor, " +
				"for want of SOCK_CLOEXEC",
		}},
	{source: "local r, w = C.pipe2(0) C.dup2(w, 1)\n" + execute,
		want: []string{"1:16: warning: the program"}},
	{source: "local fd, exe = C.open('/', 0), C.open('/bin/true', C.O_PATH + " +
		"C.O_CLOEXEC)\nC.fexecve(exe, { 'true' }, {})", want: []string{"1:19: warning: the program"}},
	{source: "local exe = C.open('/bin/true', C.O_PATH)\nlocal fd = C.open('/', " +
		"0)\nC.fexecve(exe, { " +
		"'true' }, {})", want: []string{"2:14: warning: the program that C.fexecve"}},

	{
		source: "local bit = require('bit') local fd = C.open('/', bit.bor(C.O_PATH, C.O_RDONLY))\n" +
			execute,
		want: []string{"1:41: warning: the program"},
	},

	// Comments.
	{source: "C.umask(1, 2) -- check: ignore octal",
		want: []string{"1:12: error: C.umask takes 1 argument"}, unproved: true},
	{source: "x = 1 -- check: ignore argument-count\nC.umask(1, 2)", want: []string{"2:12: error"},
		unproved: true},
	{source: "-- check: ignore argument-count, typo", want: []string{`1:1: error: there is no ` +
		`diagnostic "typo" to ignore`}, unproved: true},
	{source: "x = = -- check: ignore syntax", want: []string{"1:5: error: unexpected symbol near '='"}},
	{source: "-- check: ignore syntax", want: []string{`1:1: error: there is no diagnostic ` +
		`"syntax" to ignore`}, unproved: true},
}

const (
	fileRuleset = "local r = C.landlock_create_ruleset({ handled_access_fs = { 'make_sock' } })\n"
	execute     = "C.execve('/bin/true', { 'true' }, {})"
)

func TestMistakes(t *testing.T) {
	for _, c := range mistakes {
		got := lines(check.Check(c.source, check.Options{}))
		if len(got) != len(c.want) {
			t.Errorf("%q:\ngot  %q\nwant %q", c.source, got, c.want)
			continue
		}
		for i := range got {
			if !strings.HasPrefix(got[i], c.want[i]) {
				t.Errorf("%q:\ngot  %q\nwant %q", c.source, got[i], c.want[i])
			}
		}
	}
}

// In these nothing is certainly wrong.
var silent = []string{
	// Names.
	`local x = C`, `C.nosuch = 1 print(C.nosuch)`, `function C.nosuch() end C.nosuch()`,
	`local C = {} C.nosuch()`, `C = require("mine") C.nosuch()`,
	`pcall(function() return C.nosuch end)`, `local function probe() return C.nosuch end ` +
		`print(pcall(probe))`,
	`local key = io.read() print(C[key])`, `local c = C c = {} c.nosuch()`, `setfenv(1, { C = {} ` +
		`}) C.nosuch()`,
	`_G.C = {} C.nosuch()`, `rawset(C, "nosuch", 1) print(C.nosuch)`, `setmetatable(C, {}) ` +
		`print(C.nosuch)`, `for name in pairs(C) do C[name] = 1 end print(C.nosuch)`,
	`local t = { C } t[1].nosuch()`, `local function f(C) C.nosuch() end`, `for C in pairs({}) do ` +
		`C.nosuch() end`,
	`if io.read() then C.cap_enter() end`, `local function f() C.cap_enter() end`, `local x = ` +
		`jit.os == "BSD" and C.cap_enter()`,
	`if jit.os == "Linux" then return end C.cap_enter()`, `while io.read() do C.cap_enter() end`,
	`if jit.os ~= "BSD" then os.exit(1) end C.cap_enter()`,
	`local function quit() os.exit(1) end if jit.os ~= "BSD" then quit() end C.cap_enter()`,
	`if DEBUG then DEBUG() end`, `foo = print foo()`, `function foo() end foo()`,
	`local foo = print foo()`, `print(foo)`, `_G.foo = print foo()`,
	`local ffi = require("ffi") ffi.cdef("")`, `goto done do C.cap_enter() end ::done::`,

	`dofile("x") C.nosuch() foo()`, `require("mine") foo()`,

	// Arguments.
	`C.link(C.setsid())`, `C.umask("a" .. io.read())`, `C.chown("a", "-1", " +1 ")`,
	`C.mkdir("a", "0x1ff")`, `C.mkdir(1, 2)`, `C.open("a", 0)`, `C.open("a", 0, nil)`,
	`C.mount(nil, "a", nil, 0)`, `C.mount(nil, "a", nil, 0, nil)`,
	`local function f(...) C.mkdir(...) C.mkdir("a", ...) C.setns(C.open(...)) end`,
	`C.mkdir(table.unpack({}))`,
	`C.umask(tonumber(io.read()))`, `local m m = "x" C.umask(m)`, `local m = "x" m = 1 C.umask(m)`,
	`C.umask(io.read() and 1 or "x")`,
	`C.setgroups({ tonumber("1") })`, `C.setgroups({ 1, nil })`, `C.setgroups(setmetatable({}, {}))`,
	`C.execve("/x", { "x", tostring(1) }, { A = "1" })`,
	`C.execve("/x")`, `pcall(function() C.mkdir() end)`, `C.seccomp_set_mode_filter = print ` +
		`C.seccomp_set_mode_filter()`,
	`set_no_new_privs() C.seccomp_set_mode_filter(C.read(arg, 32768))`, `local open = C.open open ` +
		`= print open(1, 2, 3, 4, 5)`,
	`C.umask(0)`, `C.umask(00)`, `C.umask(10)`, `print(0755)`, `C.mkdir("0755", 1)`,
	`C.mkdir("a", tonumber("755", 8))`, `C.umask(1 + 1LL)`, `C.umask(bit.bor(1, 2))`,
	`C.fsconfig(1, 2, nil, nil, 0)`,

	// Texts and fields.
	`C.landlock_create_ruleset({ handled_access_fs = { "execute", io.read() and "truncate" or nil } })`,
	`local t = { handled_access_fs = {} } t.scoped = {} C.landlock_create_ruleset(t)`,
	`local t = { allowed_access = {} } t.parent_fd = 1 C.landlock_add_rule(1, "path_beneath", t)`,
	`C.landlock_add_rule(1, "net_port", { allowed_access = { "bind_tcp" }, port = 1 })`,
	`C.landlock_add_rule(1, io.read(), { allowed_access = {}, port = 1 })`,
	`C.mount_setattr(1, "", 0, { [io.read()] = 1 })`, `C.jail = { nosuch = 1 }`,
	`C.seccomp_set_mode_filter = 1 C.openat2(1, "x", {})`,

	// Results.
	`local old = C.umask(0)`, `local fd, errno = C.open("/", C.O_CLOEXEC)`, `local a, b = C.umask(0), 1`,
	`local a, b = C.pipe2(C.O_CLOEXEC)`,
	`local x, y = (C.getpid()), 1`, `local a, b = f and C.getpid()`, `C.umask = print local a, b ` +
		`= C.umask(0)`,

	// Landlock and mounts.
	"C.mount('a', 'b', 'c', 0) " + fileRuleset + "set_no_new_privs() C.landlock_restrict_self(r)",
	fileRuleset + "set_no_new_privs() if arg then C.landlock_restrict_self(r) end C.mount('a', " +
		"'b', 'c', 0)",
	fileRuleset + "set_no_new_privs() errexit = false C.landlock_restrict_self(r) errexit = true " +
		"C.mount('a', 'b', 'c', 0)",
	fileRuleset + "set_no_new_privs() C.landlock_restrict_self(r) errexit = false C.mount('a', " +
		"'b', 'c', 0)",
	"local r = C.landlock_create_ruleset({ handled_access_net = { 'bind_tcp' } }) " +
		"set_no_new_privs() C.landlock_restrict_self(r) C.mount('a', 'b', 'c', 0)",
	"local r = C.landlock_create_ruleset({ handled_access_fs = {} }) set_no_new_privs() " +
		"C.landlock_restrict_self(r) C.mount('a', 'b', 'c', 0)",
	"local r = C.landlock_create_ruleset({ handled_access_fs = { io.read() } }) " +
		"set_no_new_privs() C.landlock_restrict_self(r) C.mount('a', 'b', 'c', 0)",
	fileRuleset + "r = 5 set_no_new_privs() C.landlock_restrict_self(r) C.mount('a', 'b', 'c', 0)",
	fileRuleset + "set_no_new_privs() local function lock() C.landlock_restrict_self(r) end " +
		"C.mount('a', 'b', 'c', 0) lock()",

	// no_new_privs.
	"set_no_new_privs() C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 0, 0))",
	"C.prctl(C.PR_SET_NO_NEW_PRIVS, 1) C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 0, 0))",
	"local function prepare() set_no_new_privs() end prepare() " +
		"C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 0, 0))",
	"if arg then set_no_new_privs() end C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 0, 0))",
	"pcall(set_no_new_privs) C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 0, 0))",
	"local t = { f = function() set_no_new_privs() end } t.f() " +
		"C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 0, 0))",
	"local t = {} function t:f() set_no_new_privs() end t:f() " +
		"C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 0, 0))",
	"for _, f in ipairs({ set_no_new_privs }) do f() end C.seccomp_set_mode_filter(string.char(6, " +
		"0, 0, 0, 0, 0, 0, 0))",
	"local ffi = require('ffi') ffi.cdef('int prctl(int, ...);') ffi.C.prctl(38, 1, 0, 0, 0) " +
		"C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 0, 0))",
	"local ffi = require('ffi') local lib = ffi.load('c') lib.prctl(38, 1, 0, 0, 0) " +
		"C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 0, 0))",
	"dofile('x') C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 0, 0))",
	"errexit = false C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 0, 0))",
	"C.prctl(io.read(), 1) C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 0, 0))",
	fileRuleset + "C.landlock_restrict_self(r, { 'no_new_privs' }) " +
		"C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, " +
		"0, 0, 0))", fileRuleset + "C.landlock_restrict_self(r, { io.read() })",
	"local function f() C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, 0, 0, 0)) end",
	"repeat set_no_new_privs() until true C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, 0, " +
		"0, 0, 0))",
	"while true do set_no_new_privs() break end C.seccomp_set_mode_filter(string.char(6, 0, 0, 0, " +
		"0, 0, 0, 0))",

	// Capabilities.
	"C.mount('a', 'b', 'c', 0) C.cap_set_proc('=')", "C.cap_set_proc('cap_sys_admin=ep') " +
		"C.mount('a', 'b', 'c', 0)", "C.cap_set_proc('=ep') C.mount('a', 'b', 'c', 0)",
	"C.cap_set_proc('all=ep') C.chroot('/')", "C.cap_set_proc('= cap_sys_chroot+eip') C.chroot('/')",
	"C.cap_set_proc(io.read()) C.chroot('/')",
	"C.cap_set_proc('= cap_sys_chroot+ep cap_sys_chroot-e cap_sys_chroot+e') C.chroot('/')",
	"C.cap_set_proc('=ep cap_chown-ep') C.chroot('/')", "C.cap_set_proc('18=ep') C.chroot('/')",
	"C.cap_set_proc('=') C.unshare(C.CLONE_NEWUSER) C.chroot('/')", "C.cap_set_proc('=') " +
		"C.unshare(C.CLONE_NEWUSER + C.CLONE_NEWNS) C.mount('a', 'b', 'c', 0)",
	"C.cap_set_proc('=') C.unshare(tonumber(io.read())) C.chroot('/')", "C.cap_set_proc('=') " +
		"C.setns(arg, 0) C.chroot('/')",
	"C.cap_set_proc('=p') C.cap_set_proc('cap_sys_chroot=ep') C.chroot('/')", "if arg then " +
		"C.cap_set_proc('=') end C.chroot('/')",
	"if arg then C.cap_set_proc('=') else C.cap_set_proc('=ep') end C.chroot('/')",
	"C.cap_set_proc('=') errexit = false C.chroot('/')",
	"errexit = false C.cap_set_proc('=') errexit = true C.chroot('/')",
	"C.setgroups({}) C.setresgid(1, 1, 1) C.setresuid(1, 1, 1)", "C.setresuid(1, 0, 0) C.chroot('/')",
	"C.setresuid(1, -1, -1) C.chroot('/')",
	"C.cap_set_secbits(C.SECBIT_NO_SETUID_FIXUP) C.setresuid(1, 1, 1) C.chroot('/')",
	"C.cap_set_secbits(tonumber(io.read())) C.setresuid(1, 1, 1) C.chroot('/')",
	"C.setresuid(1, 1, 1) C.cap_set_proc('cap_sys_chroot=ep') C.chroot('/')",
	"C.cap_set_proc('=') C.setresuid(-1, -1, -1)", "C.cap_set_proc('=') C.mknod('x', mode(6, 6, 6), 0)",
	"C.cap_set_proc('=') C.open_tree(C.AT_FDCWD, '/', C.OPEN_TREE_CLOEXEC)", "C.cap_set_proc('=') " +
		"C.prctl(C.PR_GET_DUMPABLE)", "C.cap_set_proc('=') error('end') C.chroot('/')",
	"C.cap_set_proc('=') " + execute + " C.chroot('/')", "local function f() C.cap_set_proc('=') " +
		"return end C.chroot('/') f()",

	// Descriptors.
	"local fd = C.open('/', C.O_CLOEXEC) " + execute, "local fd = C.open('/', 0)", "local fd = " +
		"C.open('/', 0) C.close(fd) " + execute, "local fd = C.open('/', 0) C.closefrom(3) " + execute,
	"local fd = C.open('/', 0) C.fcntl(fd, C.F_SETFD, C.FD_CLOEXEC) " + execute, "local fd = " +
		"C.open('/', 524288) " + execute, "local fd = C.open('/', tonumber(io.read())) " + execute,
	"local fd = C.open('/', 0) C.execve('/bin/cat', { 'cat', '/dev/fd/' .. fd }, {})",
	"local fd = C.open('/', 0) C.execve('/bin/cat', { 'cat', tostring(fd) }, {})",
	"if arg then C.open('/', 0) end " + execute, "local exe = C.open('/bin/true', C.O_PATH) " +
		"C.fexecve(exe, { 'true' }, {})", "errexit = false C.open('/', 0) " + execute,
	"local fd = C.open('/', 0) local fds = { fd } for _, f in ipairs(fds) do C.close(f) end " + execute,
	"local r, w = C.pipe2(0) C.close(r) C.close(w) " + execute,
	"local function open() return C.open('/', 0) end local fd = open() " + execute,

	// Comments.
	"C.umask(1, 2) -- check: ignore argument-count", "-- check: ignore argument-count (as the " +
		"kernel does)\nC.umask(1, 2)", "C.umask(1, 2) --[[ check: ignore octal, argument-count ]]",
	"-- check: ignored", "-- We check: ignore this",
}

func TestSilent(t *testing.T) {
	for _, source := range silent {
		if got := lines(check.Check(source, check.Options{})); len(got) > 0 {
			t.Errorf("%q: %q", source, got)
		}
	}
}

func TestVersions(t *testing.T) {
	tests := []struct {
		kernel string
		abi    *int
		source string
		want   string // "" for nothing
	}{
		{"5.5", nil, `C.openat2(1, "x", {})`, "1:3: error: C.openat2 needs Linux 5.6, the " +
			"target is 5.5"},
		{"5.6", nil, `C.openat2(1, "x", {})`, ""},
		{"5.5", nil, `local f = C.openat2 f(1, "x", {})`, "1:21: error: C.openat2"},
		{"5.5", nil, `print(C.openat2)`, ""},
		{"5.5", nil, `if io.read() then C.openat2(1, "x", {}) end`, ""},
		{"5.5", nil, `errexit = false C.openat2(1, "x", {}) errexit = true`, ""},
		{"5.5", nil, `errexit = false errexit = true C.openat2(1, "x", {})`, "1:34: error: C.openat2"},
		{"5.5", nil, `local function f() C.openat2(1, "x", {}) end f()`, "1:22: error: C.openat2"},
		{"5.5", nil, `local function f() C.openat2(1, "x", {}) end`, ""},
		{"5.5", nil, `pcall(function() C.openat2(1, "x", {}) end)`, ""},
		{"5.5", nil, `for i = 1, 2 do C.openat2(1, "x", {}) end`, "1:19: error: C.openat2"},
		{"5.5", nil, `while io.read() do C.openat2(1, "x", {}) end`, ""},
		{"5.5", nil, `if io.read() then error("x") end C.openat2(1, "x", {})`, "1:36: error: C.openat2"},
		{"5.5", nil, `if io.read() then return end C.openat2(1, "x", {})`, ""},
		{"5.5", nil, `if io.read() then os.exit(1) end C.openat2(1, "x", {})`, ""},
		{"5.5", nil, `for i = 1, 2 do if io.read() then return end end C.openat2(1, "x", {})`, ""},
		{"5.5", nil, `local function f() if io.read() then os.exit(1) end end f() C.openat2(1, ` +
			`"x", {})`, ""},
		{"5.5", nil, `local t = { f = function() os.exit(1) end } if io.read() then t.f() end ` +
			`C.openat2(1, "x", {})`, ""},
		{"5.5", nil, `local t = { f = os.exit } t.f() C.openat2(1, "x", {})`, ""},
		{"5.5", nil, `local function f() if io.read() then ` + execute + ` end end f() ` +
			`C.openat2(1, "x", {})`, ""},
		{"5.5", nil, `local ffi = require("ffi") if io.read() then ffi.C._exit(0) end ` +
			`C.openat2(1, "x", {})`, ""},
		{"5.5", nil, `local ffi = require("ffi") print(ffi.C.getpid()) C.openat2(1, "x", {})`,
			"1:52: error: C.openat2"},
		{"5.5", nil, `os.exit(1) C.openat2(1, "x", {})`, ""},
		{"5.5", nil, `local x = io.read() or os.exit(1) C.openat2(1, "x", {})`, ""},
		{"5.5", nil, `local function f() if io.read() then return end C.openat2(1, "x", {}) end f()`,
			""},
		{"5.9", nil, `C.mount("a", "b", nil, bit.bor(C.MS_BIND, C.MS_NOSYMFOLLOW))`,
			"1:43: error: C.MS_NOSYMFOLLOW needs Linux 5.10, the target is 5.9"},
		{"5.9", nil, `C.mount("a", "b", nil, io.read() and C.MS_NOSYMFOLLOW or 0)`, ""},
		{"5.10", nil, `C.mount("a", "b", nil, bit.bor(C.MS_BIND, C.MS_NOSYMFOLLOW))`, ""},
		{"5.13", nil, `C.mount_setattr(1, "", 0, { attr_set = C.MOUNT_ATTR_NOSYMFOLLOW })`,
			"1:40: error: C.MOUNT_ATTR_NOSYMFOLLOW needs Linux 5.14"},
		{"4.13", nil, `set_no_new_privs() C.seccomp_set_mode_filter(f  , { "log" })`,
			`1:53: error: "log" needs Linux 4.14, the target is 4.13`},
		{"4.14", nil, `set_no_new_privs() C.seccomp_set_mode_filter(f  , { "log" })`, ""},
		{"5.12", nil, `C.landlock_create_ruleset(nil, { "version" })`, "1:3: error: " +
			"C.landlock_create_ruleset needs Linux 5.13"},
		{"6.1", nil, `C.landlock_create_ruleset({ handled_access_fs = { "truncate" } })`,
			`1:51: error: "truncate" needs ABI 3 of Landlock, which came with Linux 6.2; the ` +
				`target has ABI 2`},
		{"6.2", nil, `C.landlock_create_ruleset({ handled_access_fs = { "truncate" } })`, ""},
		{"6.1", abi(3), `C.landlock_create_ruleset({ handled_access_fs = { "truncate" } })`, ""},
		{"6.2", abi(2), `C.landlock_create_ruleset({ handled_access_fs = { "truncate" } })`,
			`1:51: error: "truncate"`},
		{"", abi(5), `C.landlock_create_ruleset({ scoped = { "signal" } })`, "1:29: error: the " +
			"field scoped needs ABI 6"},
		{"", abi(3), `C.landlock_add_rule(1, "net_port", { port = 1, allowed_access = {} })`,
			`1:24: error: "net_port" needs ABI 4`},
		{"", abi(6), `C.landlock_restrict_self(1, { "log_new_exec_on" }) -- check: ignore ` +
			`no-new-privs`, `1:31: error: "log_new_exec_on" needs ABI 7`},
		{"", abi(2), `local abi = C.landlock_create_ruleset(nil, { "version" }) local more = abi ` +
			`> 2 and "truncate" or nil ` +
			`C.landlock_create_ruleset({ handled_access_fs = { "execute", more } })`, ""},
		{"", abi(2), `local rights = { "truncate" } C.landlock_create_ruleset({ handled_access_fs ` +
			`= rights })`, `1:18: error: "truncate"`},
		{"", abi(2), `local rights = { "truncate" } rights[1] = nil C.landlock_create_ruleset({ ` +
			`handled_access_fs = rights })`, ""},
		{"", nil, `C.landlock_create_ruleset({ scoped = { "signal" } })`, ""},
	}
	for _, test := range tests {
		options := check.Options{LandlockABI: test.abi}
		if test.kernel != "" {
			options.Kernel = kernel(t, test.kernel)
		}
		got := strings.Join(lines(check.Check(test.source, options)), "\n")
		if !strings.HasPrefix(got, test.want) || (got == "") != (test.want == "") ||
			strings.Contains(got, "\n") {
			t.Errorf("Linux %s: %q: got %q, want %q", test.kernel, test.source, got, test.want)
		}
	}
}

func TestFreeBSD(t *testing.T) {
	tests := map[string]string{
		`C.cap_enter() C.jail_attach(1)`: "",
		`C.unshare(0)`:                   "1:3: error: C.unshare exists on Linux only",
		`C.unmount("/")`: "1:10: error: C.unmount takes 2 arguments " +
			"(dir, flags): flags is missing",
		`C.mount("tmpfs", "/tmp", 0, {})`: "", // another function there
		`C.jail_set({ path = 1 }, { "create" })`: "1:21: error: a value in argument 1 of " +
			"C.jail_set, params, is a number, not a string or a boolean",
		`C.jail_set({}, { "created" })`: `1:18: error: "created" does not exist here ` +
			`(did you mean create?)`,
		`if jit.os == "Linux" then C.unshare(0) end`: "",
	}
	for source, want := range tests {
		got := strings.Join(lines(check.Check(source, check.Options{Target: "freebsd"})), "\n")
		if !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("%q: got %q, want %q", source, got, want)
		}
	}
}

// What would take forever if all were looked at anew each time, or be too deep.
func TestLargeScripts(t *testing.T) {
	double := func(format string) string {
		source := "local a0 = 0\n"
		for i := range 150 {
			source += fmt.Sprintf("local a%d = "+format+"\n", i+1, i)
		}
		return source + "C.umask(a150)"
	}
	loops := strings.Repeat("for i = 1, 2 do ", 45) + "C.umask(0) " + strings.Repeat(" end", 45)
	calls := "local function f0() C.umask(0) end "
	for i := range 40 {
		calls += fmt.Sprintf("local function f%d() for i = 1, 2 do f%[2]d() f%[2]d() f%[2]d() "+
			"f%[2]d() end end ", i+1, i)
	}
	for name, source := range map[string]string{
		"sums": double("a%d + a%[2]d"), "flags": double("bit.bor(a%d, a%[2]d)"),
		"texts": double("a%d .. a%[2]d"),
		"loops": loops, "calls": calls + "f40()", "chain": "x = 1" + strings.Repeat(" + 1", 99_000),
		"fields": "x = a" + strings.Repeat(".b", 99_000), "lengths": "C.umask(" + strings.Repeat("#-",
			90) + "x)",
		"branches": strings.Repeat("if x then C.umask(0) else C.umask(1) end ", 5000),
		"if":       strings.Repeat("if x then ", 150) + strings.Repeat("end ", 150),
	} {
		if got := lines(check.Check(source, check.Options{})); len(got) > 1 || len(got) == 1 &&
			name != "fields" {
			t.Errorf("%s: %.300q", name, got)
		}
	}
	endless := "x = 1" + strings.Repeat(" + 1", 200_000)
	got := strings.Join(lines(check.Check(endless, check.Options{})), "")
	if want := "expression of more than 100000 parts"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
