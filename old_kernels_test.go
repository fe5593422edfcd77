package initscript_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/seccomp"
	"golang.org/x/sys/unix"
)

// olderKernel is what a kernel does not have: system calls that fail with ENOSYS, and flags of
// memfd_create that fail with EINVAL.
type olderKernel struct {
	name     string
	lacks    []string
	noMFD    bool     // MFD_EXEC and MFD_NOEXEC_SEAL
	excluded []string // tests of the core that use what is lacking by themselves
}

// newMountCalls are of Linux 5.2, but for the last two, of 5.12 and 6.15.
var newMountCalls = []string{"open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "open_tree_attr"}

var landlockCalls = []string{"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}

var olderKernels = []olderKernel{
	{name: "clone3", lacks: []string{"clone3"}},
	{name: "pidfd_open", lacks: []string{"pidfd_open"}, excluded: usersOfPidfd},
	{name: "close_range", lacks: []string{"close_range"}},
	{name: "memfd_create flags", noMFD: true},
	{name: "openat2", lacks: []string{"openat2"}},
	{name: "landlock", lacks: landlockCalls, excluded: usersOfLandlock},
	{name: "mount_setattr", lacks: []string{"mount_setattr"}},
	{name: "new mount interface", lacks: newMountCalls},
	{name: "faccessat2 and fchmodat2", lacks: []string{"faccessat2", "fchmodat2"}},
	// Each start has a server of its own; and what kind of file was received cannot be told, so none is polled.
	{name: "statx", lacks: []string{"statx"}, excluded: []string{"TestServerIsKept", "TestServerDeathEndsChildren", "TestSendFiles"}},
	{name: "everything after Linux 5.2", lacks: slices.Concat(landlockCalls, []string{"clone3", "pidfd_open", "pidfd_getfd", "close_range",
		"openat2", "mount_setattr", "open_tree_attr", "faccessat2", "fchmodat2", "epoll_pwait2", "process_madvise", "futex_waitv", "statmount", "listmount"}),
		noMFD: true, excluded: slices.Concat(usersOfPidfd, usersOfLandlock)},
}

// coreTests are what must work on every kernel.
var coreTests = []string{
	"TestCmdRunsProgram", "TestCmdEnvironment", "TestCmdStdio", "TestCmdWaitDelay", "TestCmdDescriptors", "TestCmdBadInput", "TestCmdScriptSizes",
	"TestCmdContext", "TestCmdMisuse", "TestCmdWaitScript", "TestProcess", "TestErrorKinds", "TestNamespaces", "TestTimeNamespaceOffsets",
	"TestIDMapHandshake", "TestPID1Status", "TestPID1ForwardsSignals", "TestLifecycle", "TestErrexit", "TestTable", "TestConstants", "TestNames",
	"TestAPIIO", "TestAPIExec", "TestAPIHelpers", "TestAPIProcess", "TestAPISeccomp", "TestChildIsLikeHostNow",
	"TestServerIsKept", "TestServerHoldsNothingOfTheHost", "TestProgramFileIsOutOfReach", "TestServerIsRestarted", "TestServerDeathEndsChildren",
	"TestHostDeathLeavesNothing", "TestManyAtOnce",
	"TestActorEnvironment", "TestActorsDieWithTheirHost", "TestNestedActors", "TestLuaRoundTrip", "TestLuaFilesAndChannels",
	"TestMessageRoundTrip", "TestSendFiles", "TestSendChannels", "TestReceiveEnds",
	"TestConfineErrors", "TestConfineReachesEveryThread", "TestConfineChildrenCannotEscape",
}

// What these find out without pidfds is in TestProcessWithoutPidfd.
var usersOfPidfd = []string{"TestCmdContext", "TestProcess", "TestServerIsRestarted", "TestServerDeathEndsChildren", "TestHostDeathLeavesNothing",
	"TestActorsDieWithTheirHost", "TestNestedActors"}

var usersOfLandlock = []string{"TestConfineReachesEveryThread", "TestConfineChildrenCannotEscape"}

// policy returns the filter that makes this kernel of the one that runs.
func (k *olderKernel) policy() *seccomp.Policy {
	policy := &seccomp.Policy{DefaultAction: seccomp.Allow}
	if len(k.lacks) > 0 {
		policy.Rules = append(policy.Rules, seccomp.Rule{Names: k.lacks, Action: seccomp.Errno(unix.ENOSYS), Optional: true})
	}
	if k.noMFD {
		policy.Rules = append(policy.Rules, seccomp.Rule{
			Names: []string{"memfd_create"}, Action: seccomp.Errno(unix.EINVAL),
			Args: []seccomp.Condition{{Arg: 1, Width: 32, Mask: unix.MFD_EXEC | mfdNoexecSeal, Op: seccomp.NotEqual}},
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
	program := unix.SockFprog{Len: uint16(len(code) / 8), Filter: (*unix.SockFilter)(unsafe.Pointer(&code[0]))}
	install := func() syscall.Errno {
		_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
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
	numbers := map[string]uintptr{"clone3": unix.SYS_CLONE3, "pidfd_open": unix.SYS_PIDFD_OPEN, "close_range": unix.SYS_CLOSE_RANGE,
		"openat2": unix.SYS_OPENAT2, "landlock_create_ruleset": unix.SYS_LANDLOCK_CREATE_RULESET, "mount_setattr": unix.SYS_MOUNT_SETATTR,
		"fsopen": unix.SYS_FSOPEN, "faccessat2": unix.SYS_FACCESSAT2, "statx": unix.SYS_STATX, "pidfd_send_signal": unix.SYS_PIDFD_SEND_SIGNAL}
	for _, name := range k.lacks {
		number, ok := numbers[name]
		if !ok {
			continue
		}
		const invalid = ^uintptr(0) // no descriptor, no address
		if _, _, errno := unix.Syscall6(number, invalid, invalid, invalid, invalid, invalid, invalid); errno != unix.ENOSYS {
			return fmt.Errorf("%s is still there: %v", name, errno)
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
	i := slices.IndexFunc(slices.Concat(olderKernels, tooOldKernels), func(k olderKernel) bool { return k.name == name })
	if err := slices.Concat(olderKernels, tooOldKernels)[i].become(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot become an older kernel:", err)
		os.Exit(1)
	}
}

// run executes tests on the older kernel, and returns what "go test -v" would say.
func (k *olderKernel) run(tests ...string) (string, error) {
	cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run=^("+strings.Join(tests, "|")+")$")
	if os.Geteuid() != 0 { // whose filters need no_new_privs
		cmd.Args = append(cmd.Args, "-test.skip=^(TestChildIsLikeHostNow|TestAPISeccomp)$/no_new_privs|^TestConfineChildrenCannotEscape$/^no_new_privs$")
	}
	cmd.Env = append(os.Environ(), olderKernelVariable+"="+k.name)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// On every older kernel the core passes: what is newer has a fallback.
func TestOlderKernels(t *testing.T) {
	if withRace || withASan {
		t.Skip("hundreds of tests in processes of their own, which take ten times as long here")
	}
	requireUserNamespaces(t)
	kernels := olderKernels
	if testing.Short() { // the last lacks all that the others lack
		kernels = kernels[len(kernels)-1:]
	}
	for _, kernel := range kernels {
		t.Run("without "+kernel.name, func(t *testing.T) {
			tests := slices.DeleteFunc(slices.Clone(coreTests), func(name string) bool { return slices.Contains(kernel.excluded, name) })
			out, err := kernel.run(tests...)
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			for _, name := range tests {
				if !strings.Contains(out, "--- PASS: "+name+" (") {
					t.Errorf("%s has not passed:\n%s", name, out)
				}
			}
		})
	}
}

// tooOldKernels lack what has no fallback.
var tooOldKernels = []olderKernel{
	{name: "pidfd_send_signal", lacks: []string{"pidfd_send_signal"}},
	{name: "all that scripts can call", lacks: slices.Concat(landlockCalls, newMountCalls, []string{"openat2", "faccessat2"})},
}

// What a script asks for and the kernel lacks is named, with the reason.
func TestOlderKernelIsNamed(t *testing.T) {
	for _, kernel := range tooOldKernels {
		t.Run(kernel.name, func(t *testing.T) {
			name := map[bool]string{true: "TestNothingStartsThatCannotBeSignalled", false: "TestMissingCallsAreNamed"}[len(kernel.lacks) == 1]
			if out, err := kernel.run(name); err != nil || !strings.Contains(out, "--- PASS: "+name+" (") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// lacking tells whether this process runs on a kernel without the system call.
func lacking(number uintptr) bool {
	const invalid = ^uintptr(0)
	_, _, errno := unix.Syscall6(number, invalid, invalid, invalid, invalid, invalid, invalid)
	return errno == unix.ENOSYS
}

// A process that could be reached by its number only might be another when the signal comes.
func TestNothingStartsThatCannotBeSignalled(t *testing.T) {
	if !lacking(unix.SYS_PIDFD_SEND_SIGNAL) {
		t.Skip("runs on an older kernel only, for TestOlderKernelIsNamed")
	}
	var serverError *initscript.ServerError
	err := newCmd(t, "", "true").Run()
	if !errors.As(err, &serverError) || !errors.Is(err, unix.ENOSYS) || !strings.Contains(err.Error(), "pidfd_send_signal") || !strings.Contains(err.Error(), "Linux 5.1") {
		t.Errorf("%v", err)
	}
}

func TestMissingCallsAreNamed(t *testing.T) {
	if !lacking(unix.SYS_OPENAT2) {
		t.Skip("runs on an older kernel only, for TestOlderKernelIsNamed")
	}
	for function, call := range map[string]string{
		"openat2":                 `C.openat2(C.AT_FDCWD, "/", {flags = C.O_PATH})`,
		"landlock_create_ruleset": `C.landlock_create_ruleset({handled_access_fs = {"execute"}})`,
		"landlock_restrict_self":  `C.landlock_restrict_self(0)`,
		"fsopen":                  `C.fsopen("tmpfs", 0)`,
		"fsconfig":                `C.fsconfig(0, C.FSCONFIG_SET_FLAG, "ro", nil, 0)`,
		"fsmount":                 `C.fsmount(0, 0, 0)`,
		"fspick":                  `C.fspick(C.AT_FDCWD, "/", 0)`,
		"open_tree":               `C.open_tree(C.AT_FDCWD, "/", 0)`,
		"move_mount":              `C.move_mount(0, "", C.AT_FDCWD, "/", 0)`,
		"mount_setattr":           `C.mount_setattr(C.AT_FDCWD, "/", 0, {})`,
	} {
		t.Run(function, func(t *testing.T) {
			var scriptError *initscript.ScriptError
			err := newCmd(t, call).Run()
			if !errors.As(err, &scriptError) || scriptError.Func != function || scriptError.Errno != syscall.ENOSYS || scriptError.Line != 1 {
				t.Fatalf("%v", err)
			}
			if !strings.Contains(err.Error(), "ENOSYS") || !strings.Contains(err.Error(), "kernel") {
				t.Errorf("unclear: %v", err)
			}
		})
	}
}

// The refusal of namespaces says what helps.
func TestRefusedNamespacesHaveAHint(t *testing.T) {
	attr := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		attr.Credential = &syscall.Credential{Uid: ordinaryID, Gid: ordinaryID}
	}
	if !runInSubprocess(t, attr) {
		return
	}
	refused := func(want string) {
		t.Helper()
		cmd := newCmd(t, "")
		cmd.Namespaces = initscript.NewUTS
		var refusal *initscript.NamespaceError
		if err := cmd.Run(); !errors.As(err, &refusal) || !strings.Contains(refusal.Hint, want) {
			t.Errorf("%v, hint %q, want %q", err, initscript.Hint(err), want)
		}
	}
	if seccompAtStart(t) == "0" {
		refused("need CAP_SYS_ADMIN: make a user namespace too")
	}
	must(t, (&olderKernel{}).become()) // any filter
	refused("--security-opt seccomp=unconfined")
}

// A child without a pidfd is signalled, and waited for when its server has died, all the same.
func TestProcessWithoutPidfd(t *testing.T) {
	if !lacking(unix.SYS_PIDFD_OPEN) {
		kernel := olderKernels[slices.IndexFunc(olderKernels, func(k olderKernel) bool { return k.name == "pidfd_open" })]
		if out, err := kernel.run("TestProcessWithoutPidfd"); err != nil || !strings.Contains(out, "--- PASS: TestProcessWithoutPidfd (") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancelled := initscript.CommandContext(ctx, "sleep", "1000")
	cancelled.Env = []string{"PATH=/usr/bin:/bin"}
	must(t, cancelled.Start())
	cancel()
	if err := cancelled.Wait(); !errors.Is(err, context.Canceled) || cancelled.ProcessState.Signal() != syscall.SIGKILL {
		t.Errorf("Wait after the context is done: %v, %v", err, cancelled.ProcessState)
	}

	server := theServer(t)
	cmd := newCmd(t, "", "cat")
	_, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	if _, err := cmd.Process.PidFD(); !errors.Is(err, unix.ENOSYS) {
		t.Errorf("PidFD: %v", err)
	}
	must(t, cmd.WaitScript())
	must(t, cmd.Process.Signal(syscall.SIGSTOP))
	must(t, syscall.Kill(server, syscall.SIGKILL))
	var serverError *initscript.ServerError
	if err := cmd.Wait(); !errors.As(err, &serverError) {
		t.Errorf("Wait: %v, want a *ServerError", err)
	}
	// It may still be there as a zombie, if who inherits it is slow.
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err == nil && !strings.HasPrefix(statusField(string(status), "State"), "Z") {
		t.Errorf("it outlives its server:\n%s", status)
	}
	if err := cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("Kill afterwards: %v", err)
	}

	// Nor is there another way to a child where /proc is that of another PID namespace.
	t.Run("in a PID namespace", func(t *testing.T) {
		requireUserNamespaces(t)
		inner := spawn(t, mappedToRoot(initscript.Actor{Entry: "probe", Namespaces: initscript.NewPID, Stderr: os.Stderr}))
		if got := fmt.Sprint(ask(t, inner, "spawn", 1)); !strings.Contains(got, "pidfd_open: function not implemented") {
			t.Errorf("an actor of PID 1: %s", got)
		}
	})
}
