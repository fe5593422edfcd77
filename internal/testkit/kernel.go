//go:build linux

package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/go-initscript/initscript/seccomp"
	"golang.org/x/sys/unix"
)

// olderKernel lists what a kernel does not have: system calls that fail with ENOSYS, and flags of
// memfd_create that fail with EINVAL.
type olderKernel struct {
	name  string
	lacks []string
	noMFD bool     // MFD_EXEC and MFD_NOEXEC_SEAL
	users []string // keys of CoreTests.Users
}

// newMountCalls are of Linux 5.2, but for the last two, of 5.12 and 6.15.
var newMountCalls = []string{"open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick",
	"mount_setattr", "open_tree_attr"}

var landlockCalls = []string{"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}

var olderKernels = []olderKernel{
	{name: "clone3", lacks: []string{"clone3"}},
	{name: "pidfd_open", lacks: []string{"pidfd_open"}, users: []string{"pidfd_open"}},
	{name: "close_range", lacks: []string{"close_range"}},
	{name: "memfd_create flags", noMFD: true},
	{name: "openat2", lacks: []string{"openat2"}},
	{name: "landlock", lacks: landlockCalls, users: []string{"landlock"}},
	{name: "mount_setattr", lacks: []string{"mount_setattr"}},
	{name: "new mount interface", lacks: newMountCalls},
	{name: "faccessat2 and fchmodat2", lacks: []string{"faccessat2", "fchmodat2"}},
	{name: "statx", lacks: []string{"statx"}, users: []string{"statx"}},
	{
		name: "everything after Linux 5.2",
		lacks: slices.Concat(landlockCalls, []string{
			"clone3", "pidfd_open", "pidfd_getfd", "close_range", "openat2", "mount_setattr",
			"open_tree_attr", "faccessat2", "fchmodat2", "epoll_pwait2", "process_madvise",
			"futex_waitv", "statmount", "listmount",
		}),
		noMFD: true,
		users: []string{"pidfd_open", "landlock"},
	},
}

// tooOldKernels lack what has no fallback.
var tooOldKernels = []olderKernel{
	{name: "pidfd_send_signal", lacks: []string{"pidfd_send_signal"}},
	{name: "all that scripts can call",
		lacks: slices.Concat(landlockCalls, newMountCalls, []string{"openat2", "faccessat2"})},
}

// policy returns the filter that makes this kernel of the one that runs.
func (k *olderKernel) policy() *seccomp.Policy {
	policy := &seccomp.Policy{DefaultAction: seccomp.Allow}
	if len(k.lacks) > 0 {
		policy.Rules = append(policy.Rules, seccomp.Rule{
			Names: k.lacks, Action: seccomp.Errno(unix.ENOSYS), Optional: true,
		})
	}
	if k.noMFD {
		policy.Rules = append(policy.Rules, seccomp.Rule{
			Names: []string{"memfd_create"}, Action: seccomp.Errno(unix.EINVAL),
			Args: []seccomp.Condition{
				{Arg: 1, Width: 32, Mask: unix.MFD_EXEC | mfdNoexecSeal, Op: seccomp.NotEqual},
			},
		})
	}
	return policy
}

const mfdNoexecSeal = 0x8

// become puts this whole process, and all that it will start, on the older kernel.
func (k *olderKernel) become() error {
	code, err := k.policy().Compile()
	if err != nil {
		return err
	}
	program := unix.SockFprog{
		Len:    uint16(len(code) / 8),
		Filter: (*unix.SockFilter)(unsafe.Pointer(&code[0])),
	}
	install := func() syscall.Errno {
		_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
			unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
		return errno
	}
	runtime.LockOSThread() // TSYNC gives no_new_privs to the others
	defer runtime.UnlockOSThread()
	errno := install()
	if errno == unix.EACCES { // an ordinary user
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return os.NewSyscallError("prctl", err)
		}
		errno = install()
	}
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	return k.check()
}

// check sees whether the filter has an effect.
func (k *olderKernel) check() error {
	numbers := map[string]uintptr{
		"clone3":                  unix.SYS_CLONE3,
		"pidfd_open":              unix.SYS_PIDFD_OPEN,
		"close_range":             unix.SYS_CLOSE_RANGE,
		"openat2":                 unix.SYS_OPENAT2,
		"landlock_create_ruleset": unix.SYS_LANDLOCK_CREATE_RULESET,
		"mount_setattr":           unix.SYS_MOUNT_SETATTR,
		"fsopen":                  unix.SYS_FSOPEN,
		"faccessat2":              unix.SYS_FACCESSAT2,
		"statx":                   unix.SYS_STATX,
		"pidfd_send_signal":       unix.SYS_PIDFD_SEND_SIGNAL,
	}
	for _, name := range k.lacks {
		number, ok := numbers[name]
		if !ok {
			continue
		}
		if !Lacking(number) {
			return fmt.Errorf("%s is still there", name)
		}
	}
	if !k.noMFD {
		return nil
	}
	if fd, err := unix.MemfdCreate("flags", unix.MFD_CLOEXEC|unix.MFD_EXEC); err != unix.EINVAL {
		return fmt.Errorf("memfd_create knows MFD_EXEC: %d, %v", fd, err)
	}
	return nil
}

const olderKernelVariable = "INITSCRIPT_TEST_OLDER_KERNEL"

// Before anything of the package has been used, and before TestMain.
func init() {
	name, ok := os.LookupEnv(olderKernelVariable)
	if !ok {
		return
	}
	os.Unsetenv(olderKernelVariable) // what is started from here has the filter already
	kernel, err := kernelWithout(name)
	if err == nil {
		err = kernel.become()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot become an older kernel:", err)
		os.Exit(1)
	}
}

// kernelWithout returns the kernel of that name, which says what it lacks.
func kernelWithout(name string) (*olderKernel, error) {
	for _, kernel := range slices.Concat(olderKernels, tooOldKernels) {
		if kernel.name == name {
			return &kernel, nil
		}
	}
	return nil, fmt.Errorf("no kernel without %s is known", name)
}

// Lacking reports whether this process runs on a kernel without the system call.
func Lacking(number uintptr) bool {
	const invalid = ^uintptr(0) // no descriptor, no address
	_, _, errno := unix.Syscall6(number, invalid, invalid, invalid, invalid, invalid, invalid)
	return errno == unix.ENOSYS
}

// CoreTests are tests of one package that must work on every kernel.
type CoreTests struct {
	Tests []func(*testing.T)
	// Users has those that use by themselves what some kernels lack: "pidfd_open", "landlock" or
	// "statx".
	Users map[string][]func(*testing.T)
	// NoNewPrivs is what an ordinary user cannot run there, whose filters need no_new_privs: a pattern
	// for the option -test.skip.
	NoNewPrivs string
}

// RunOnOlderKernels runs the tests once more on every older kernel, each kernel in a process of its own:
// what is newer has a fallback. Where tests shall be short, it is the one that lacks all that the
// others lack.
func RunOnOlderKernels(t *testing.T, core CoreTests) {
	t.Helper()
	if WithRace || WithASan {
		t.Skip("hundreds of tests in processes of their own, which take ten times as long here")
	}
	RequireUserNamespaces(t)
	kernels := olderKernels
	if testing.Short() {
		kernels = kernels[len(kernels)-1:]
	}
	for _, kernel := range kernels {
		t.Run("without "+kernel.name, func(t *testing.T) {
			var excluded []string
			for _, user := range kernel.users {
				excluded = append(excluded, testNames(core.Users[user])...)
			}
			tests := slices.DeleteFunc(testNames(core.Tests), func(name string) bool {
				return slices.Contains(excluded, name)
			})
			kernel.run(t, core.NoNewPrivs, tests)
		})
	}
}

// RunWithout runs one test in a process of its own, on the kernel that lacks what is named.
func RunWithout(t *testing.T, lacking string, test func(*testing.T)) {
	t.Helper()
	kernel, err := kernelWithout(lacking)
	Must(t, err)
	kernel.run(t, "", testNames([]func(*testing.T){test}))
}

// testNames returns the names of functions, as the option -test.run has them.
func testNames(tests []func(*testing.T)) (names []string) {
	for _, test := range tests {
		name := runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name()
		names = append(names, name[strings.LastIndexByte(name, '.')+1:])
	}
	return names
}

// run executes tests of this package on the older kernel; each of them must pass.
func (k *olderKernel) run(t *testing.T, noNewPrivs string, tests []string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run=^("+strings.Join(tests, "|")+")$")
	if os.Geteuid() != 0 && noNewPrivs != "" {
		cmd.Args = append(cmd.Args, "-test.skip="+noNewPrivs)
	}
	cmd.Env = append(os.Environ(), olderKernelVariable+"="+k.name)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, name := range tests {
		if !strings.Contains(string(out), "--- PASS: "+name+" (") {
			t.Errorf("%s has not passed:\n%s", name, out)
		}
	}
}
