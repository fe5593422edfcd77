package start_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/creack/pty"
	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// attributeProbe makes this program one that prints what it has inherited. "clock" makes it one
// that reads the clock without RDTSC.
const attributeProbe = "INITSCRIPT_TEST_ATTRIBUTES"

func init() {
	switch os.Getenv(attributeProbe) {
	case "":
		return
	case "clock":
		runtime.LockOSThread()
		if err := unix.Prctl(unix.PR_SET_TSC, unix.PR_TSC_SIGSEGV, 0, 0, 0); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Print(time.Now().IsZero()) // a signal ends the process here
	default:
		printAttributes()
	}
	os.Exit(0)
}

func printAttributes() {
	for _, file := range []string{"oom_score_adj", "coredump_filter", "cgroup"} {
		content, err := os.ReadFile("/proc/self/" + file)
		fmt.Printf("%s:\t%q %v\n", file, content, err)
	}
	for _, name := range []string{"net", "ipc", "uts", "pid", "mnt", "time", "cgroup"} {
		link, err := os.Readlink("/proc/self/ns/" + name)
		fmt.Printf("%s namespace:\t%s %v\n", name, link, err)
	}
	for _, call := range []struct {
		name                  string
		number, first, second uintptr
	}{
		{"personality", unix.SYS_PERSONALITY, 0xffffffff, 0},
		{"I/O priority", unix.SYS_IOPRIO_GET, 1, 0},
		{"timer slack", unix.SYS_PRCTL, unix.PR_GET_TIMERSLACK, 0},
		{"MDWE", unix.SYS_PRCTL, unix.PR_GET_MDWE, 0},
		{"THP", unix.SYS_PRCTL, unix.PR_GET_THP_DISABLE, 0},
		{"memory merge", unix.SYS_PRCTL, unix.PR_GET_MEMORY_MERGE, 0},
		{"machine checks", unix.SYS_PRCTL, unix.PR_MCE_KILL_GET, 0},
		{"I/O flusher", unix.SYS_PRCTL, unix.PR_GET_IO_FLUSHER, 0},
		{"store bypass", unix.SYS_PRCTL, unix.PR_GET_SPECULATION_CTRL, unix.PR_SPEC_STORE_BYPASS},
		{"indirect branch", unix.SYS_PRCTL, unix.PR_GET_SPECULATION_CTRL, unix.PR_SPEC_INDIRECT_BRANCH},
		{"L1D flush", unix.SYS_PRCTL, unix.PR_GET_SPECULATION_CTRL, unix.PR_SPEC_L1D_FLUSH},
		{"securebits", unix.SYS_PRCTL, unix.PR_GET_SECUREBITS, 0},
	} {
		value, _, errno := unix.RawSyscall6(call.number, call.first, call.second, 0, 0, 0, 0)
		fmt.Printf("%s:\t%#x %v\n", call.name, value, errno)
	}
	var cookie uint64
	_, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_SCHED_CORE, 0, 0, 0,
		uintptr(unsafe.Pointer(&cookie)), 0)
	fmt.Printf("core scheduling:\t%#x %v\n", cookie, errno)
	var tsc uint32
	_, _, errno = unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_GET_TSC,
		uintptr(unsafe.Pointer(&tsc)), 0, 0, 0, 0)
	fmt.Printf("TSC:\t%d %v\n", tsc, errno)
	scheduling, err := unix.SchedGetAttr(0, 0)
	fmt.Printf("scheduling:\t%+v %v\n", scheduling, err)
	var mode int32
	var nodes [16]uint64
	_, _, errno = unix.RawSyscall6(unix.SYS_GET_MEMPOLICY, uintptr(unsafe.Pointer(&mode)),
		uintptr(unsafe.Pointer(&nodes)), uintptr(len(nodes)*64), 0, 0, 0)
	fmt.Printf("memory policy:\t%#x %v %v\n", mode, nodes, errno)
	terminal, err := os.Open("/dev/tty")
	fmt.Printf("terminal:\t%t\n", terminal != nil && err == nil)
}

// attributesOf runs the probe. It may die of an attribute.
func attributesOf(t *testing.T, output func() ([]byte, error)) string {
	t.Helper()
	out, err := output()
	var status interface{ ExitCode() int }
	if err != nil && !errors.As(err, &status) {
		t.Fatalf("probe: %v", err)
	}
	return fmt.Sprintf("%sdied:\t%t\n", out, err != nil)
}

func childAttributes(t *testing.T) string {
	t.Helper()
	program, err := os.Executable()
	testkit.Must(t, err)
	cmd := testkit.Command(t, "", program)
	cmd.Env = append(cmd.Env, attributeProbe+"=print")
	return attributesOf(t, cmd.Output)
}

func osExecAttributes(t *testing.T) string {
	t.Helper()
	program, err := os.Executable()
	testkit.Must(t, err)
	cmd := exec.Command(program)
	cmd.Env = append(cmd.Env, attributeProbe+"=print")
	return attributesOf(t, cmd.Output)
}

// inheritedAttribute is something that a host may change on itself, and that os/exec passes on.
type inheritedAttribute struct {
	name      string
	shows     string // the line of the probe that it changes; "" if only the thread itself has it
	needsRoot bool
	attr      *syscall.SysProcAttr // of the host
	change    func(*testing.T) error
}

func prctlChange(option int, arg2, arg3 uintptr) func(*testing.T) error {
	return func(*testing.T) error { return unix.Prctl(option, arg2, arg3, 0, 0) }
}

func callChange(number uintptr, args ...uintptr) func(*testing.T) error {
	return func(*testing.T) error {
		args := append(args, 0, 0, 0)
		if _, _, errno := unix.Syscall(number, args[0], args[1], args[2]); errno != 0 {
			return errno
		}
		return nil
	}
}

func schedulingChange(attr unix.SchedAttr) func(*testing.T) error {
	attr.Size = unix.SizeofSchedAttr
	return func(*testing.T) error { return unix.SchedSetAttr(0, &attr, 0) }
}

func fileChange(path, text string) func(*testing.T) error {
	return func(*testing.T) error { return os.WriteFile(path, []byte(text), 0) }
}

func unshareChange(flags int) func(*testing.T) error {
	return func(*testing.T) error { return unix.Unshare(flags) }
}

const (
	mpolInterleave  = 3
	mpolLocal       = 4
	mceKillSet      = 1
	mceKillEarly    = 1
	addrNoRandomize = 0x0040000
	ioprioIdle      = 3 << 13
)

var inheritedAttributes = []inheritedAttribute{
	{name: "personality", shows: "personality",
		change: callChange(unix.SYS_PERSONALITY, addrNoRandomize)},
	{name: "ioprio", shows: "I/O priority", change: callChange(unix.SYS_IOPRIO_SET, 1, 0, ioprioIdle)},
	{name: "timer slack", shows: "timer slack", change: prctlChange(unix.PR_SET_TIMERSLACK, 777, 0)},
	{name: "MDWE", shows: "MDWE",
		change: prctlChange(unix.PR_SET_MDWE, unix.PR_MDWE_REFUSE_EXEC_GAIN, 0)},
	{name: "MDWE not inherited", change: prctlChange(unix.PR_SET_MDWE,
		unix.PR_MDWE_REFUSE_EXEC_GAIN|unix.PR_MDWE_NO_INHERIT, 0)},
	{name: "no huge pages", shows: "THP", change: prctlChange(unix.PR_SET_THP_DISABLE, 1, 0)},
	{name: "no huge pages except advised", shows: "THP",
		change: prctlChange(unix.PR_SET_THP_DISABLE, 1, 2)},
	{name: "memory merge", shows: "memory merge", change: prctlChange(unix.PR_SET_MEMORY_MERGE, 1, 0)},
	{name: "machine checks", shows: "machine checks",
		change: prctlChange(unix.PR_MCE_KILL, mceKillSet, mceKillEarly)},
	{name: "IO flusher", shows: "I/O flusher", needsRoot: true,
		change: prctlChange(unix.PR_SET_IO_FLUSHER, 1, 0)},
	{name: "store bypass", shows: "store bypass", change: prctlChange(unix.PR_SET_SPECULATION_CTRL,
		unix.PR_SPEC_STORE_BYPASS, unix.PR_SPEC_FORCE_DISABLE)},
	{name: "indirect branch", shows: "indirect branch", change: prctlChange(unix.PR_SET_SPECULATION_CTRL,
		unix.PR_SPEC_INDIRECT_BRANCH, unix.PR_SPEC_FORCE_DISABLE)},
	{name: "L1D flush", shows: "L1D flush", change: prctlChange(unix.PR_SET_SPECULATION_CTRL,
		unix.PR_SPEC_L1D_FLUSH, unix.PR_SPEC_ENABLE)},
	{name: "TSC", shows: "TSC", change: forbidTSC},
	{name: "core scheduling", shows: "core scheduling", change: prctlChange(unix.PR_SCHED_CORE,
		unix.PR_SCHED_CORE_CREATE, 0)},
	{name: "batch", shows: "scheduling",
		change: schedulingChange(unix.SchedAttr{Policy: unix.SCHED_BATCH})},
	{name: "idle", shows: "scheduling",
		change: schedulingChange(unix.SchedAttr{Policy: unix.SCHED_IDLE})},
	{name: "nice", shows: "scheduling", change: schedulingChange(unix.SchedAttr{Nice: 5})},
	{name: "round robin", shows: "scheduling", needsRoot: true, change: schedulingChange(unix.SchedAttr{
		Policy: unix.SCHED_RR, Priority: 3})},
	{name: "round robin, reset on fork", needsRoot: true, change: schedulingChange(unix.SchedAttr{
		Policy: unix.SCHED_RR, Priority: 3, Flags: unix.SCHED_FLAG_RESET_ON_FORK})},
	{name: "deadline", needsRoot: true,
		change: schedulingChange(unix.SchedAttr{Policy: unix.SCHED_DEADLINE,
			Flags: unix.SCHED_FLAG_RESET_ON_FORK, Runtime: 10e6, Deadline: 100e6, Period: 100e6})},
	{name: "local memory", shows: "memory policy",
		change: callChange(unix.SYS_SET_MEMPOLICY, mpolLocal)},
	{name: "interleaved memory", shows: "memory policy", change: func(*testing.T) error {
		node := uint64(1)
		return callChange(unix.SYS_SET_MEMPOLICY, mpolInterleave,
			uintptr(unsafe.Pointer(&node)), 64)(nil)
	}},
	{name: "OOM score", shows: "oom_score_adj", change: fileChange("/proc/self/oom_score_adj", "777")},
	{name: "core dumps", shows: "coredump_filter",
		change: fileChange("/proc/self/coredump_filter", "0")},
	{name: "securebits", shows: "securebits", needsRoot: true,
		change: prctlChange(unix.PR_SET_SECUREBITS, 1<<0, 0)},
	{name: "time namespace", shows: "time namespace", needsRoot: true,
		change: unshareChange(unix.CLONE_NEWTIME)},
	{name: "cgroup namespace", shows: "cgroup namespace", needsRoot: true,
		change: unshareChange(unix.CLONE_NEWCGROUP)},
	{name: "IPC namespace", shows: "ipc namespace", needsRoot: true,
		change: unshareChange(unix.CLONE_NEWIPC)},
	{name: "UTS namespace", shows: "uts namespace", needsRoot: true,
		change: unshareChange(unix.CLONE_NEWUTS)},
	{name: "mount namespace", shows: "mnt namespace", needsRoot: true, change: func(*testing.T) error {
		return unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS)
	}},
	{name: "new terminal", shows: "terminal", attr: &syscall.SysProcAttr{Setsid: true},
		change: func(t *testing.T) error {
			_, terminal, err := pty.Open() // both stay open as long as this process runs
			testkit.Must(t, err)
			return unix.IoctlSetInt(int(terminal.Fd()), unix.TIOCSCTTY, 0)
		}},
}

// forbidTSC does so where the Go runtime can do without it.
func forbidTSC(t *testing.T) error {
	program, err := os.Executable()
	testkit.Must(t, err)
	cmd := exec.Command(program)
	cmd.Env = []string{attributeProbe + "=clock"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("a Go program here cannot do without RDTSC: %v: %s", err, firstLine(out))
	}
	return unix.Prctl(unix.PR_SET_TSC, unix.PR_TSC_SIGSEGV, 0, 0, 0)
}

func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return line
}

// Whatever a host changes about itself after its first start reaches later children as os/exec passes it
// on, and they start under it.
func TestChildInheritsAttributes(t *testing.T) {
	for _, attribute := range inheritedAttributes {
		t.Run(attribute.name, func(t *testing.T) {
			if attribute.needsRoot {
				testkit.RequireRoot(t)
			}
			if !testkit.RunInSubprocess(t, attribute.attr) {
				return
			}
			runtime.LockOSThread()
			before := childAttributes(t)
			if want := osExecAttributes(t); before != want {
				t.Fatalf("before the change:\n%s\nwith os/exec:\n%s", before, want)
			}
			if err := attribute.change(t); err != nil {
				t.Skipf("this kernel, or its machine, does not let this process change it: %v", err)
			}
			after, want := childAttributes(t), osExecAttributes(t)
			if after != want {
				t.Errorf("after the change:\n%s\nwith os/exec:\n%s", after, want)
			}
			show := attribute.shows
			if show != "" && testkit.StatusField(before, show) == testkit.StatusField(want, show) {
				t.Errorf("the change does not show: %s %s", show, testkit.StatusField(want, show))
			}
		})
	}
}

const cgroupOfTest = "INITSCRIPT_TEST_CGROUP"

// A manager may move a host to a cgroup, or a host itself: then its limits are for all later children.
func TestChildIsInHostsCgroup(t *testing.T) {
	testkit.RequireRoot(t)
	if os.Getenv(cgroupOfTest) == "" {
		t.Setenv(cgroupOfTest, newCgroup(t))
	}
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	before := childAttributes(t)
	members := filepath.Join(os.Getenv(cgroupOfTest), "cgroup.procs")
	testkit.Must(t, os.WriteFile(members, fmt.Append(nil, os.Getpid()), 0))
	after, want := childAttributes(t), osExecAttributes(t)
	if after != want {
		t.Errorf("after the move:\n%s\nwith os/exec:\n%s", after, want)
	}
	if testkit.StatusField(before, "cgroup") == testkit.StatusField(after, "cgroup") {
		t.Errorf("the move does not show: %s", testkit.StatusField(after, "cgroup"))
	}
}

// newCgroup returns the directory of one that is removed when all processes in it have ended.
func newCgroup(t *testing.T) string {
	t.Helper()
	mounts, err := mountinfo.GetMounts(nil)
	testkit.Must(t, err)
	reason := "no cgroup file system is mounted"
	for _, mount := range mounts {
		if !strings.HasPrefix(mount.FSType, "cgroup") || strings.Contains(mount.VFSOptions, "cpuset") {
			continue // a new cpuset has no processors
		}
		directory := filepath.Join(mount.Mountpoint, fmt.Sprintf("initscript-test-%d", os.Getpid()))
		if err := os.Mkdir(directory, 0o755); err != nil {
			reason = err.Error()
			continue
		}
		t.Cleanup(func() {
			deadline := time.Now().Add(testkit.Timeout)
			for errors.Is(os.Remove(directory), unix.EBUSY) {
				if time.Now().After(deadline) {
					t.Fatalf("processes stay in %s", directory)
				}
				time.Sleep(time.Millisecond) // until they are gone
			}
		})
		return directory
	}
	t.Skip("no cgroup can be made here: " + reason)
	return ""
}

// A number that the program has closed, and that now is another file's, must not tell of the host
// for ever.
func TestStateFilesClosedByHost(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	childAttributes(t)
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	testkit.Must(t, err)
	entries, err := os.ReadDir("/proc/self/fd")
	testkit.Must(t, err)
	replaced := 0
	for _, entry := range entries {
		target, _ := os.Readlink("/proc/self/fd/" + entry.Name())
		var fd int
		if _, err := fmt.Sscan(entry.Name(), &fd); err == nil && strings.HasPrefix(target, "/proc/") &&
			!strings.HasSuffix(target, "/fd") {
			testkit.Must(t, unix.Dup3(null, fd, unix.O_CLOEXEC))
			replaced++
		}
	}
	if replaced == 0 {
		t.Error("no file in /proc is open")
	}
	testkit.Must(t, os.WriteFile("/proc/self/oom_score_adj", []byte("321"), 0))
	for range 2 {
		if after, want := childAttributes(t), osExecAttributes(t); after != want {
			t.Errorf("child:\n%s\nwith os/exec:\n%s", after, want)
		}
	}
	if first, second := testkit.TheServer(t), testkit.TheServer(t); first != second {
		t.Errorf("the server is replaced again: %d, %d", first, second)
	}
}
