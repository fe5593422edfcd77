package confine_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"unsafe"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/internal/threadtest"
	"golang.org/x/sys/unix"
)

const (
	threadsOfAKind = 25 // made before a script runs, and again afterwards
)

// A threadCall is a system call that each thread tries, and what must come of it: the name of an
// errno, or the value that it returns.
type threadCall struct {
	want      string
	number    uintptr
	arguments []uintptr
}

func (a threadCall) try(thread *threadtest.Thread) string {
	value, errno := thread.Syscall(a.number, a.arguments...)
	if errno != 0 {
		return unix.ErrnoName(errno)
	}
	if a.number == unix.SYS_OPENAT {
		unix.Close(int(value))
		return "a descriptor"
	}
	return strconv.Itoa(int(value))
}

func threadOpens(path, want string) threadCall {
	return threadCall{want, unix.SYS_OPENAT,
		[]uintptr{workingDirectory, addressOf(path), unix.O_RDONLY | unix.O_CLOEXEC}}
}

const workingDirectory = ^uintptr(99) // AT_FDCWD

var pinned []*runtime.Pinner

// addressOf returns where a string is for ever, as a system call wants it.
func addressOf(text string) uintptr {
	pinner, bytes := new(runtime.Pinner), append([]byte(text), 0)
	pinner.Pin(&bytes[0])
	pinned = append(pinned, pinner)
	return uintptr(unsafe.Pointer(&bytes[0]))
}

var (
	changingRoot  = threadCall{"EPERM", unix.SYS_CHROOT, []uintptr{addressOf("/")}}
	becomingRoot  = threadCall{"EPERM", unix.SYS_SETUID, []uintptr{0}}
	refuseSysinfo = testkit.Filter(unix.SYS_SYSINFO, unix.SECCOMP_RET_ERRNO|uint32(unix.EDOM))
	askingSysinfo = threadCall{"EDOM", unix.SYS_SYSINFO, []uintptr{0}}
)

func capabilities(set ...int) string {
	var bits uint64
	for _, c := range set {
		bits |= 1 << c
	}
	return fmt.Sprintf("%016x", bits)
}

func threadReads(option int, want string, arguments ...uintptr) threadCall {
	return threadCall{want, unix.SYS_PRCTL, append([]uintptr{uintptr(option)}, arguments...)}
}

var threadCases = []struct {
	name      string
	needsRoot bool
	script    string
	status    map[string]string // of every thread afterwards
	attempts  []threadCall      // by every thread afterwards
}{
	{name: "no_new_privs", script: `set_no_new_privs()`, status: map[string]string{"NoNewPrivs": "1"}},
	{name: "prctl no_new_privs", script: `C.prctl(C.PR_SET_NO_NEW_PRIVS, 1)`,
		status: map[string]string{"NoNewPrivs": "1"}},
	{name: "prctl timer slack", script: `C.prctl(C.PR_SET_TIMERSLACK, 54321)`,
		attempts: []threadCall{threadReads(unix.PR_GET_TIMERSLACK, "54321")}},
	{name: "prctl dumpable", script: `C.prctl(C.PR_SET_DUMPABLE, 0)`,
		attempts: []threadCall{threadReads(unix.PR_GET_DUMPABLE, "0")}},
	{name: "Landlock", script: testkit.Lua("allow_beneath") +
		`local rs = C.landlock_create_ruleset({handled_access_fs = {'read_file', 'read_dir'}}) ` +
		`allow(rs, '/usr', {'read_file', 'read_dir'}) set_no_new_privs() C.landlock_restrict_self(rs)`,
		attempts: []threadCall{threadOpens("/etc/passwd", "EACCES"),
			threadOpens("/proc/self/task", "EACCES"), threadOpens("/etc", "EACCES"),
			threadOpens("/usr", "a descriptor")}},
	{name: "two Landlock layers", script: `set_no_new_privs() for _, right in ipairs({'read_dir', ` +
		`'read_file'}) do ` +
		`C.landlock_restrict_self((C.landlock_create_ruleset({handled_access_fs = {right}}))) end`,
		attempts: []threadCall{threadOpens("/etc/passwd", "EACCES"), threadOpens("/etc", "EACCES")}},
	{name: "Landlock that scopes signals", needsRoot: true,
		script: `C.landlock_restrict_self((C.landlock_create_ruleset({scoped = {'signal'}}))) ` +
			`C.setgroups({1001}) set_no_new_privs()`,
		status:   map[string]string{"NoNewPrivs": "1", "Groups": "1001"},
		attempts: []threadCall{{"EPERM", unix.SYS_KILL, []uintptr{1, 0}}}},
	{name: "seccomp", script: testkit.Install(refuseSysinfo),
		status:   map[string]string{"Seccomp": "2", "NoNewPrivs": "1"},
		attempts: []threadCall{askingSysinfo}},
	{name: "seccomp with flags", script: `set_no_new_privs() C.seccomp_set_mode_filter(` +
		refuseSysinfo + `, {'log'})`, attempts: []threadCall{askingSysinfo}},
	{name: "capabilities", needsRoot: true, script: `C.cap_set_proc('cap_chown,cap_kill=ep')`,
		status: map[string]string{"CapEff": capabilities(unix.CAP_CHOWN, unix.CAP_KILL),
			"CapPrm": capabilities(unix.CAP_CHOWN, unix.CAP_KILL), "CapInh": testkit.NoCapabilities},
		attempts: []threadCall{changingRoot}},
	{name: "capabilities in an empty root", needsRoot: true,
		script: `C.mount('none', '/tmp', 'tmpfs', 0) C.chroot('/tmp') C.chdir('/') ` +
			`C.cap_set_proc('=')`,
		attempts: []threadCall{changingRoot, threadOpens("/proc", "ENOENT")}},
	{name: "bounding set", needsRoot: true,
		script: `C.cap_drop_bound('cap_sys_admin') C.prctl(C.PR_CAPBSET_DROP, 12)`,
		attempts: []threadCall{threadReads(unix.PR_CAPBSET_READ, "0", unix.CAP_SYS_ADMIN),
			threadReads(unix.PR_CAPBSET_READ, "0", 12),
			threadReads(unix.PR_CAPBSET_READ, "1", unix.CAP_KILL)}},
	{name: "ambient set", needsRoot: true, script: `C.cap_set_proc('cap_chown,cap_kill=eip') ` +
		`C.cap_set_ambient('cap_chown', true) C.cap_set_ambient('cap_kill', true) ` +
		`C.cap_set_ambient('cap_kill', false)`,
		status: map[string]string{"CapAmb": capabilities(unix.CAP_CHOWN)}},
	{name: "ambient set, reset", needsRoot: true,
		script: `C.cap_set_proc('cap_chown=eip') C.cap_set_ambient('cap_chown', true) ` +
			`C.cap_reset_ambient()`,
		status: map[string]string{"CapAmb": testkit.NoCapabilities,
			"CapInh": capabilities(unix.CAP_CHOWN)}},
	{name: "securebits", needsRoot: true,
		script:   `C.cap_set_secbits(bit.bor(C.SECBIT_NOROOT, C.SECBIT_NOROOT_LOCKED))`,
		attempts: []threadCall{threadReads(unix.PR_GET_SECUREBITS, "3")}},
	{name: "prctl keep capabilities", needsRoot: true,
		script: `C.prctl(C.PR_SET_KEEPCAPS, 1) C.setresuid(1004, 1004, 1004) ` +
			`C.cap_set_proc('cap_kill=ep')`,
		status: map[string]string{"Uid": "1004\t1004\t1004\t1004",
			"CapEff": capabilities(unix.CAP_KILL)}},
	{name: "user and groups", needsRoot: true,
		script: `C.setgroups({1001, 1002}) C.setresgid(1003, 1003, 1003) C.setresuid(1004, 1004, ` +
			`1004)`,
		status: map[string]string{"Uid": "1004\t1004\t1004\t1004", "Gid": "1003\t1003\t1003\t1003",
			"Groups": "1001 1002", "CapEff": testkit.NoCapabilities, "CapPrm": testkit.NoCapabilities},
		attempts: []threadCall{becomingRoot, changingRoot}},
	{name: "all together", needsRoot: true,
		script: `C.cap_drop_bound('cap_sys_admin') C.setgroups({}) C.setresgid(1003, 1003, 1003) ` +
			`C.prctl(C.PR_SET_KEEPCAPS, 1) C.setresuid(1004, 1004, 1004) ` +
			`C.cap_set_proc('cap_kill=ep') set_no_new_privs() ` +
			`C.landlock_restrict_self((C.landlock_create_ruleset({handled_access_fs = ` +
			`{'make_dir'}}))) ` + testkit.Install(refuseSysinfo),
		status: map[string]string{"Uid": "1004\t1004\t1004\t1004", "Groups": "",
			"CapEff": capabilities(unix.CAP_KILL), "NoNewPrivs": "1", "Seccomp": "2"},
		attempts: []threadCall{askingSysinfo, becomingRoot, changingRoot,
			{"EACCES", unix.SYS_MKDIRAT,
				[]uintptr{workingDirectory, addressOf("/tmp/initscript-never"), 0o700}}}},
}

// startThreads makes threads of both kinds.
func startThreads(t *testing.T) []*threadtest.Thread {
	t.Helper()
	var threads []*threadtest.Thread
	for range threadsOfAKind {
		thread, err := threadtest.NewC()
		testkit.Must(t, err)
		threads = append(threads, thread, threadtest.NewGo())
	}
	return threads
}

func TestConfineReachesEveryThread(t *testing.T) {
	for _, test := range threadCases {
		t.Run(test.name, func(t *testing.T) {
			asEachUser(t, test.needsRoot, func(t *testing.T) {
				threads := startThreads(t)
				testkit.Must(t, initscript.Confine(test.script, nil))
				old := len(threads)
				threads = append(threads, startThreads(t)...)
				for i, thread := range threads {
					who := fmt.Sprintf("%s thread, made before: %t", thread.Kind, i < old)
					for _, a := range test.attempts {
						if got := a.try(thread); got != a.want {
							t.Errorf("%s: system call %d: %s, want %s", who, a.number, got, a.want)
						}
					}
					checkThreadStatus(t, who, thread.ID, test.status)
				}
				if test.status != nil {
					checkAllThreads(t, test.status)
				}
			})
		})
	}
}

// asEachUser runs a test in a process of its own, with its own mounts if the user may have them:
// as the current user and, where root is not needed, as an ordinary user too.
func asEachUser(t *testing.T, needsRoot bool, test func(*testing.T)) {
	isRoot := os.Geteuid() == 0
	if needsRoot {
		testkit.RequireRoot(t)
	}
	run := func(attr *syscall.SysProcAttr) func(*testing.T) {
		return func(t *testing.T) {
			if attr.Unshareflags != 0 {
				testkit.RequireNamespacesForSubprocess(t, initscript.NewMount)
			}
			if testkit.RunInSubprocess(t, attr) {
				testkit.Must(t, os.Chdir("/")) // where everybody may be
				test(t)
			}
		}
	}
	var own syscall.SysProcAttr
	if isRoot {
		own.Unshareflags = syscall.CLONE_NEWNS
	}
	t.Run("current user", run(&own))
	// The process of the ordinary user is one that has been started to run this.
	if !needsRoot && (isRoot || os.Getenv(testkit.SubprocessMarker) == t.Name()+"/ordinary_user") {
		t.Run("ordinary user", run(&syscall.SysProcAttr{Credential: &syscall.Credential{
			Uid: testkit.OrdinaryID, Gid: testkit.OrdinaryID,
		}}))
	}
}

func checkThreadStatus(t *testing.T, who string, id int, want map[string]string) {
	t.Helper()
	if want == nil {
		return
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/status", id))
	testkit.Must(t, err)
	for key, value := range want {
		if got := testkit.StatusField(string(status), key); got != value {
			t.Errorf("%s: %s: %q, want %q", who, key, got, value)
		}
	}
}

// checkAllThreads is for those that nobody has made on purpose: of the runtime, of libc.
func checkAllThreads(t *testing.T, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/task")
	testkit.Must(t, err)
	if len(entries) <= 4*threadsOfAKind {
		t.Errorf("only %d threads", len(entries))
	}
	for _, entry := range entries {
		id, err := strconv.Atoi(entry.Name())
		testkit.Must(t, err)
		checkThreadStatus(t, "thread "+entry.Name(), id, want)
	}
}
