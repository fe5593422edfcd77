package confine_test

import (
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/ffitest"
	"golang.org/x/sys/unix"
)

// childRules is a Landlock policy under which children can still be started: a ruleset that has
// been restricted to what the program, its libraries and the launcher need.
var childRules = testkit.Lua("allow_beneath") +
	`local rights = {'read_file', 'read_dir', 'execute', 'make_dir'} ` +
	`local rs = C.landlock_create_ruleset({handled_access_fs = rights}) errexit = false ` +
	`for _, path in ipairs({'/usr', '/bin', '/lib', '/lib64', '/proc', '/dev'}) do if C.access(path, ` +
	`C.F_OK) == 0 then ` +
	`errexit = true allow(rs, path, {'read_file', 'read_dir', 'execute'}) errexit = false end end ` +
	`errexit = true ` +
	`C.landlock_restrict_self(rs) `

// A host that has started a child, and so has a fork server, confines itself; what children try
// then must fail as it does in the host.
func TestConfineChildrenCannotEscape(t *testing.T) {
	tests := []struct {
		name      string
		needsRoot bool
		confine   string
		escape    string   // of a script: what it sends
		before    string   // an unconfined child sends this
		after     string   // a confined one this
		program   []string // the same attempt by a program, which must fail then
	}{
		{name: "Landlock, which does not show from outside", needsRoot: true, confine: childRules,
			escape: `S((select(2, C.open('/etc/passwd', C.O_RDONLY))))`, before: "0", after: "13",
			program: []string{"cat", "/etc/passwd"}},
		{name: "Landlock and no_new_privs", confine: `set_no_new_privs() ` + childRules,
			escape: `S((select(2, C.open('/etc/passwd', C.O_RDONLY))))`, before: "0", after: "13",
			program: []string{"cat", "/etc/passwd"}},
		{name: "seccomp", confine: testkit.Install(refuseSysinfo),
			escape: `local ffi = require 'ffi' ffi.cdef 'long syscall(long, ...);' S(ffi.C.syscall(` +
				strconv.Itoa(unix.SYS_SYSINFO) + `, nil) == -1 and ffi.errno())`,
			before: "14", after: "33"},
		{name: "no_new_privs", confine: `set_no_new_privs()`,
			escape: `S((C.prctl(C.PR_GET_NO_NEW_PRIVS)))`, before: "0", after: "1"},
		{name: "capabilities", needsRoot: true, confine: `C.cap_set_proc('=')`,
			escape: `S((select(2, C.chroot('/'))))`, before: "0", after: "1"},
		{name: "bounding set", needsRoot: true,
			confine: `C.cap_drop_bound('cap_sys_chroot') C.cap_set_proc('cap_kill=ep')`,
			escape:  `S((select(2, C.chroot('/'))))`, before: "0", after: "1",
			program: []string{"chroot", "/", "true"}},
		{name: "user", needsRoot: true, confine: `C.setgroups({}) C.setresgid(1004, 1004, 1004) ` +
			`C.setresuid(1004, 1004, 1004)`,
			escape: `S((select(2, C.setresuid(0, 0, 0))))`, before: "0", after: "1",
			program: []string{"cat", "/etc/shadow"}},
		// More than what others of an ordinary user may have under way, which counts against it.
		{name: "open files", confine: `C.setrlimit(C.RLIMIT_NOFILE, 512, 512)`,
			escape: `local soft, hard = C.getrlimit(C.RLIMIT_NOFILE) S(soft == 512 and hard == 512)`,
			before: "false", after: "true", program: []string{"sh", "-c", "test $(ulimit -Hn) -ne 512"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asEachUser(t, test.needsRoot, func(t *testing.T) {
				escape := func() string {
					r := testkit.RunScript(t, "errexit = false "+test.escape)
					if r.Err != nil || len(r.Sent) != 1 {
						t.Fatalf("%+v", r)
					}
					return r.Sent[0]
				}
				program := func() error { return testkit.Command(t, "", test.program...).Run() }
				if got := escape(); got != test.before {
					t.Errorf("before: %s, want %s", got, test.before)
				}
				if test.program != nil {
					if err := program(); err != nil {
						t.Errorf("program before: %v", err)
					}
				}
				testkit.Must(t, initscript.Confine(test.confine, nil))
				if got := escape(); got != test.after {
					t.Errorf("after: %s, want %s", got, test.after)
				}
				var exit *initscript.ExitError
				if test.program != nil {
					if err := program(); !errors.As(err, &exit) {
						t.Errorf("program after: %v", err)
					}
					plain := exec.Command(test.program[0], test.program[1:]...)
					if err := plain.Run(); err == nil {
						t.Error("os/exec: the program was successful")
					}
				}
			})
		})
	}
}

// A child that runs already is not affected, and ends as it would have.
func TestConfineLeavesRunningChildren(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	cmd := testkit.Command(t, "", "sh", "-c", "read line; cat /etc/passwd >/dev/null && test $line = go")
	stdin, err := cmd.StdinPipe()
	testkit.Must(t, err)
	testkit.Must(t, cmd.Start())
	testkit.Must(t, initscript.Confine(`set_no_new_privs() `+childRules, nil))
	_, err = stdin.Write([]byte("go\n"))
	testkit.Must(t, err)
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("wait: %v", err)
	}
}

// Where the confinement does not leave what a start needs, there is an error that says what, and
// never a child of the old server.
func TestConfineWithoutWhatStartsNeed(t *testing.T) {
	noFiles := `set_no_new_privs() ` +
		`C.landlock_restrict_self((C.landlock_create_ruleset({handled_access_fs = {'read_file', ` +
		`'read_dir', 'execute'}})))`
	tests := []struct {
		name, confine string
		hadServer     bool
		want          string
		wantOfStatic  string // where only the dynamic loader of the fork server is refused
	}{
		{"no files", noFiles, false, "/dev/null: permission denied", ""},
		{"no files, after a start", noFiles, true,
			"start fork server: execute this program: execveat: permission denied",
			"true: permission denied"},
		{"no execution", `set_no_new_privs() ` +
			`C.landlock_restrict_self((C.landlock_create_ruleset({handled_access_fs = ` +
			`{'execute'}})))`, true,
			"start fork server: execute this program: execveat: permission denied",
			"true: permission denied"},
		{"no execveat", testkit.Install(testkit.Filter(unix.SYS_EXECVEAT,
			unix.SECCOMP_RET_ERRNO|uint32(unix.EDOM))), true,
			"start fork server: execute this program: execveat: numerical argument out of domain", ""},
		{"no sockets", testkit.Install(testkit.Filter(unix.SYS_SOCKETPAIR,
			unix.SECCOMP_RET_ERRNO|uint32(unix.EDOM))), true,
			"socketpair: numerical argument out of domain", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !testkit.RunInSubprocess(t, nil) {
				return
			}
			if test.hadServer {
				testkit.Must(t, testkit.Command(t, "").Run())
			}
			want := test.want
			if test.wantOfStatic != "" && ffitest.Static(t) {
				want = test.wantOfStatic
			}
			testkit.Must(t, initscript.Confine(test.confine, nil))
			err := testkit.Command(t, "", "/bin/true").Run()
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}
