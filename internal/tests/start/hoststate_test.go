package start_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/hint"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// What a child finds out about itself.
const statusScript = `cat /proc/self/status; echo "Nofile: $(ulimit -Sn)"; echo "Nice: $(nice)"; echo ` +
	`"Cwd: $PWD"`

func childStatus(t *testing.T) string {
	t.Helper()
	cmd := testkit.Command(t, "", "/bin/sh", "-c", statusScript)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("child: %v", err)
	}
	return string(out)
}

// osExecStatus is the same for a child that os/exec starts now.
func osExecStatus(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", statusScript)
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("os/exec child: %v", err)
	}
	return string(out)
}

// A host starts a child, changes something about itself, and starts another, which must be like
// one that os/exec would start then (design: the server never has more rights than the host).
func TestChildIsLikeHostNow(t *testing.T) {
	tests := []struct {
		name      string
		needsRoot bool
		change    func(*testing.T)
		fields    []string
	}{
		{"umask", false, func(t *testing.T) { syscall.Umask(0o137) }, []string{"Umask"}},
		{"working directory", false, func(t *testing.T) { testkit.Must(t, os.Chdir("/usr/bin")) },
			[]string{"Cwd"}},
		{"working directory that the host may not enter", true, func(t *testing.T) {
			directory := t.TempDir()
			testkit.Must(t, os.Chmod(directory, 0o700))
			testkit.Must(t, os.Chdir(directory))
			testkit.Must(t, syscall.Setresuid(testkit.OrdinaryID, testkit.OrdinaryID, 0))
			t.Cleanup(func() { testkit.Must(t, syscall.Setresuid(0, 0, 0)) }) // to remove it
		}, []string{"Cwd", "Uid"}},
		{"nice", false, func(t *testing.T) {
			runtime.LockOSThread()
			testkit.Must(t, syscall.Setpriority(syscall.PRIO_PROCESS, 0, 7))
		}, []string{"Nice"}},
		{"resource limit", false, func(t *testing.T) {
			limit := syscall.Rlimit{Cur: 321, Max: 4321}
			testkit.Must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
		}, []string{"Nofile"}},
		{"process group", false, func(t *testing.T) { testkit.Must(t, syscall.Setpgid(0, 0)) },
			[]string{"NSpgid"}},
		{"affinity", false, func(t *testing.T) {
			runtime.LockOSThread()
			var set unix.CPUSet
			testkit.Must(t, unix.SchedGetaffinity(0, &set))
			for i := range 1024 {
				if set.IsSet(i) && set.Count() > 1 {
					set.Clear(i)
				}
			}
			testkit.Must(t, unix.SchedSetaffinity(0, &set))
		}, []string{"Cpus_allowed"}},
		{"no_new_privs", false, func(t *testing.T) {
			runtime.LockOSThread()
			testkit.Must(t, unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		}, []string{"NoNewPrivs"}},
		{"seccomp", false, func(t *testing.T) { testkit.AllowAllFilter(t) },
			[]string{"Seccomp", "Seccomp_filters"}},
		{"second seccomp filter", false, func(t *testing.T) {
			testkit.AllowAllFilter(t)
			childStatus(t)
			testkit.AllowAllFilter(t)
		}, []string{"Seccomp_filters"}},
		{"user", true, func(t *testing.T) {
			testkit.Must(t, syscall.Setgroups([]int{1000, 1001}))
			testkit.Must(t, syscall.Setresgid(1000, 1000, 1000))
			testkit.Must(t, syscall.Setresuid(1000, 1000, 1000))
		}, []string{"Uid", "Gid", "Groups", "CapPrm", "CapEff"}},
		{"supplementary groups", true, func(t *testing.T) {
			testkit.Must(t, syscall.Setgroups([]int{4711}))
		}, []string{"Groups"}},
		{"bounding set", true, func(t *testing.T) {
			testkit.Must(t, cap.DropBound(cap.SYS_CHROOT, cap.MKNOD))
		}, []string{"CapBnd", "CapPrm"}},
		{"securebits", true, func(t *testing.T) {
			testkit.Must(t, (cap.SecbitNoRoot | cap.SecbitNoRootLocked).Set())
		}, []string{"CapPrm", "CapEff"}},
		{"network namespace", true, func(t *testing.T) {
			testkit.RequireNamespaces(t, initscript.NewNet)
			runtime.LockOSThread()
			testkit.Must(t, unix.Unshare(unix.CLONE_NEWNET))
		}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.needsRoot {
				testkit.RequireRoot(t)
			}
			if !testkit.RunInSubprocess(t, nil) {
				return
			}
			before := childStatus(t)
			test.change(t)
			after, want := childStatus(t), osExecStatus(t)
			changed := false
			for _, field := range test.fields {
				if testkit.StatusField(after, field) != testkit.StatusField(want, field) {
					t.Errorf("%s: %q, with os/exec %q", field, testkit.StatusField(after, field),
						testkit.StatusField(want, field))
				}
				changed = changed || testkit.StatusField(after, field) != testkit.StatusField(before,
					field)
			}
			if !changed && test.fields != nil {
				t.Errorf("the change does not show: %v", test.fields)
			}
			if links := childLinks(t); links != "" {
				t.Error(links)
			}
		})
	}
}

// The Go runtime raises the soft limit of open files for itself, which is not meant for children.
func TestChildHasFileLimitFromBeforeGo(t *testing.T) {
	if os.Getenv(testkit.SubprocessMarker) != t.Name() {
		program, err := os.Executable()
		testkit.Must(t, err)
		cmd := exec.Command("/bin/sh", "-c", `ulimit -Sn 301; exec "$0" "$@"`, program,
			"-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), testkit.SubprocessMarker+"="+t.Name())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	var own syscall.Rlimit
	testkit.Must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &own))
	if own.Cur <= 301 {
		t.Fatalf("this process has not raised its limit: %+v", own)
	}
	for _, status := range []string{childStatus(t), osExecStatus(t)} {
		if limit := testkit.StatusField(status, "Nofile"); limit != "301" {
			t.Errorf("limit of the child: %s", limit)
		}
	}
	r := testkit.RunScript(t, `local soft, hard = C.getrlimit(C.RLIMIT_NOFILE) S(soft) S(hard)`)
	if want := []string{"301", fmt.Sprint(own.Max)}; r.Err != nil || !slices.Equal(r.Sent, want) {
		t.Errorf("script: %+v, want %v", r, want)
	}
	own.Cur = own.Max
	// What the program wants is for children, too.
	testkit.Must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &own))
	for _, status := range []string{childStatus(t), osExecStatus(t)} {
		if limit := testkit.StatusField(status, "Nofile"); limit != fmt.Sprint(own.Max) {
			t.Errorf("limit of the child, after the host has set its own: %s", limit)
		}
	}
}

// childLinks compares the namespaces of a child with those of the calling thread.
func childLinks(t *testing.T) string {
	t.Helper()
	cmd := testkit.Command(t, "", "readlink", "/proc/self/ns/net", "/proc/self/ns/uts",
		"/proc/self/ns/ipc", "/proc/self/ns/mnt")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want string
	for _, name := range []string{"net", "uts", "ipc", "mnt"} {
		link, err := os.Readlink("/proc/thread-self/ns/" + name)
		testkit.Must(t, err)
		want += link + "\n"
	}
	if string(out) != want {
		return fmt.Sprintf("namespaces of the child: %q, of the host: %q", out, want)
	}
	return ""
}

func TestChildHasHostsRoot(t *testing.T) {
	testkit.RequireRoot(t)
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	root := t.TempDir()
	testkit.Must(t, os.WriteFile(filepath.Join(root, "marker"), nil, 0o644))
	r := testkit.RunScript(t, `errexit = false S((C.open("/marker", C.O_RDONLY)))`)
	if r.Err != nil || r.Sent[0] != "-1" {
		t.Fatalf("before chroot: %+v", r)
	}
	testkit.Must(t, os.Mkdir(filepath.Join(root, "dev"), 0o755))
	testkit.Must(t, syscall.Mknod(filepath.Join(root, "dev/null"), syscall.S_IFCHR|0o666, 1<<8|3))
	testkit.Must(t, syscall.Chroot(root))
	testkit.Must(t, os.Chdir("/"))
	cmd := testkit.Command(t, `C.open("/marker", C.O_RDONLY)`)
	// Without /proc the state of the host cannot be read, so there is a new server, or an error
	// where that finds no dynamic loader; never a child with the old root.
	if err := cmd.Run(); err != nil && !strings.Contains(err.Error(),
		"its dynamic loader is not in this root directory") {
		t.Errorf("unclear error: %v", err)
	}
}

// A program that root executes gets its capabilities back from the kernel, with os/exec too, unless
// the bounding set forbids it. The script comes before that, and must not have them.
func TestScriptHasHostsCapabilities(t *testing.T) {
	testkit.RequireRoot(t)
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	read := `S(C.read(C.open("/proc/self/status", C.O_RDONLY), 4096):match("CapPrm.-CapBnd"))`
	if r := testkit.RunScript(t, read); r.Err != nil ||
		strings.Contains(r.Sent[0], "CapEff:\t0000000000000000") {
		t.Fatalf("before: %+v", r)
	}
	testkit.Must(t, cap.NewSet().SetProc())
	want := "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd"
	if r := testkit.RunScript(t, read); r.Err != nil || r.Sent[0] != want {
		t.Errorf("%+v", r)
	}
}

// The kernel executes in secure mode then, where the program must not serve, and must
// not run the program either.
func TestEffectiveUserDiffers(t *testing.T) {
	testkit.RequireRoot(t)
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	childStatus(t)
	testkit.Must(t, syscall.Setresuid(-1, 1000, -1))
	var serverError *initscript.ServerError
	if err := testkit.Command(t, "").Run(); !errors.As(err, &serverError) ||
		!strings.Contains(err.Error(), "effective ids") {
		t.Errorf("run: %v", err)
	}
}

// Children of a host whose rights changed back and forth between threads are each like the
// thread that started them.
func TestServerFollowsThread(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			t.Errorf("prctl: %v", err)
		}
		if got := testkit.StatusField(childStatus(t), "NoNewPrivs"); got != "1" {
			t.Errorf("child of the restricted thread: NoNewPrivs %s", got)
		}
	}()
	<-done
	if got := testkit.StatusField(childStatus(t), "NoNewPrivs"); got != "0" {
		t.Errorf("child of another thread: NoNewPrivs %s", got)
	}
}

// A Landlock domain cannot be seen from outside: the caller tells. This one allows the libraries to
// be executed, but not the program, unless it lies among them.
func TestRenewServerAfterLandlock(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	childStatus(t)
	runtime.LockOSThread()
	var attr = struct{ handledAccessFS uint64 }{
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_EXECUTE,
	}
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)),
		unsafe.Sizeof(attr), 0)
	if errno != 0 {
		testkit.Skip(t, "Landlock is not available: "+hint.LandlockMissing(errno).String())
	}
	for _, directory := range []string{"/usr", "/lib", "/lib64"} {
		file, err := unix.Open(directory, unix.O_PATH|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) {
			continue // not on every architecture
		}
		testkit.Must(t, err)
		rule := unix.LandlockPathBeneathAttr{Allowed_access: unix.LANDLOCK_ACCESS_FS_EXECUTE,
			Parent_fd: int32(file)}
		if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, ruleset,
			unix.LANDLOCK_RULE_PATH_BENEATH,
			uintptr(unsafe.Pointer(&rule)), 0, 0, 0); errno != 0 {
			t.Fatalf("landlock_add_rule: %v", errno)
		}
	}
	testkit.Must(t, unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0); errno != 0 {
		t.Fatalf("landlock_restrict_self: %v", errno)
	}
	initscript.RenewServer()
	directory := filepath.Join(os.TempDir(), fmt.Sprintf("initscript-%d", os.Getpid()))
	r := testkit.RunScript(t, fmt.Sprintf(`errexit = false S((select(2, C.mkdir(%q, 448))))`, directory))
	if r.Err != nil || len(r.Sent) != 1 || r.Sent[0] != fmt.Sprint(int(unix.EACCES)) {
		t.Errorf("mkdir in the child of a confined thread: %+v", r)
	}
}
