package confine_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/check"
	"github.com/go-initscript/initscript/internal/definitions"
	"golang.org/x/sys/unix"
)

// confineClasses has what each name does in live mode, and an experiment: what a script calls, as
// root in its own mount and UTS namespaces, in an empty directory.
var confineClasses = sync.OnceValue(func() map[string]definitions.Live {
	classes := map[string]definitions.Live{}
	for _, block := range testkit.APIBlocks() {
		if name := strings.TrimPrefix(block.Name, "C."); block.Live.Class != "" {
			classes[name] = block.Live
		}
	}
	return classes
})

func TestConfineClassifiesEveryFunction(t *testing.T) {
	functions, _ := testkit.NamesOfKind(t, "functions")
	globals, _ := testkit.NamesOfKind(t, "globals")
	for _, name := range slices.Concat(functions, globals) {
		if !strings.Contains(confineClasses()[name].Trial, name) {
			t.Errorf("%s is not classified for live mode, or not called in its experiment", name)
		}
	}
	if len(confineClasses()) != len(functions)+len(globals) {
		t.Errorf("%d names, and %d that live mode classifies", len(functions)+len(globals),
			len(confineClasses()))
	}
}

// What an experiment calls is called as it is defined.
func TestConfineExperimentsAreGood(t *testing.T) {
	for name, live := range confineClasses() {
		for _, d := range check.Check(live.Trial, check.Options{}) {
			if d.Severity == check.Error {
				t.Errorf("%s: %s", name, d.Message)
			}
		}
	}
}

// The table of the documentation has all classes; its names are generated.
func TestConfineClassesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/guide/live-mode.md")
	testkit.Must(t, err)
	for _, class := range definitions.LiveClasses {
		if !strings.Contains(string(text), "\n| **"+class+"**") {
			t.Errorf("docs/guide/live-mode.md has no row %s", class)
		}
	}
}

// threadState is all that the kernel shows of a thread which must be alike in all; nil if the thread
// has ended.
func threadState(t *testing.T, id string) map[string]string {
	t.Helper()
	directory := "/proc/self/task/" + id + "/"
	hasEnded := func(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) }
	status, err := os.ReadFile(directory + "status")
	if hasEnded(err) {
		return nil
	}
	testkit.Must(t, err)
	state := map[string]string{}
	for _, key := range []string{"Umask", "Uid", "Gid", "Groups", "NSpgid", "NSsid", "CapInh", "CapPrm",
		"CapEff", "CapBnd", "CapAmb",
		"NoNewPrivs", "Seccomp", "Seccomp_filters"} {
		state[key] = testkit.StatusField(string(status), key)
	}
	for _, link := range []string{"root", "cwd", "ns/user", "ns/mnt", "ns/pid_for_children", "ns/net",
		"ns/uts", "ns/ipc", "ns/cgroup", "ns/time_for_children"} {
		target, err := os.Readlink(directory + link)
		if hasEnded(err) {
			return nil
		}
		testkit.Must(t, err)
		state[link] = target
	}
	return state
}

func threadIDs(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/task")
	testkit.Must(t, err)
	var ids []string
	for _, entry := range entries {
		ids = append(ids, entry.Name())
	}
	return ids
}

// descriptorTable tells what the process has open, and whether it is closed on exec.
func descriptorTable(t *testing.T) map[string]string {
	t.Helper()
	open := map[string]string{}
	entries, err := os.ReadDir("/proc/self/fd")
	testkit.Must(t, err)
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		testkit.Must(t, err)
		var file unix.Stat_t
		if unix.Fstat(fd, &file) != nil { // the one that ReadDir has used
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		testkit.Must(t, err)
		open[entry.Name()] = fmt.Sprintf("%d:%d %d", file.Dev, file.Ino, flags)
	}
	return open
}

func TestConfineLeavesThreadsAlike(t *testing.T) {
	testkit.RequireRoot(t)
	try := func(t *testing.T, names ...string) {
		testkit.RequireNamespacesForSubprocess(t, initscript.NewMount|initscript.NewUTS)
		attr := &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS}
		if !testkit.RunInSubprocess(t, attr) {
			return
		}
		testkit.Must(t, syscall.Mount("none", "/run", "tmpfs", 0, "")) // a place that is nobody's
		startThreads(t)
		testkit.Must(t, initscript.Confine("", nil)) // makes the sealed copy of the program
		for _, name := range names {
			directory := "/run/" + name
			testkit.Must(t, os.Mkdir(directory, 0o755))
			testkit.Must(t, os.Chdir(directory))
			tryConfineClass(t, name)
		}
	}
	groups := map[string][]string{}
	for name, c := range confineClasses() {
		group := c.Class
		// What comes after it may need what it takes away.
		if c.Class == "every thread" || name == "setsid" {
			group = name
		}
		groups[group] = append(groups[group], name)
	}
	for group, names := range groups {
		t.Run(group, func(t *testing.T) { try(t, names...) })
	}
}

func tryConfineClass(t *testing.T, name string) {
	t.Helper()
	c := confineClasses()[name]
	self := fmt.Sprint(os.Getpid())
	before, files := threadState(t, self), descriptorTable(t)
	script := c.Trial
	if c.Class == "refused" {
		script = "errexit = false local r, e = " + c.Trial + " assert(r == -1 and e == " +
			fmt.Sprint(int(unix.EOPNOTSUPP)) + ", e)"
	}
	testkit.Must(t, (&initscript.Confinement{Script: script, ScriptName: name}).Apply())

	after, ids := threadState(t, self), threadIDs(t)
	if len(ids) <= 2*threadsOfAKind {
		t.Errorf("only %d threads", len(ids))
	}
	for _, id := range ids {
		if state := threadState(t, id); state != nil && !maps.Equal(state, after) {
			t.Errorf("%s: thread %s: %v\nmain thread: %v", name, id, state, after)
		}
	}
	if now := descriptorTable(t); !maps.Equal(now, files) {
		t.Errorf("%s: descriptors before: %v\nafter: %v", name, files, now)
	}
	if c.Class != "process" && c.Class != "every thread" && !maps.Equal(before, after) {
		t.Errorf("%s: before: %v\nafter: %v", name, before, after)
	}
}

// What the kernel does not show under /proc.
func TestConfineParentDeathSignal(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	threads := startThreads(t)
	testkit.Must(t, initscript.Confine(`C.prctl(C.PR_SET_PDEATHSIG, C.SIGTERM)`, nil))
	var pinner runtime.Pinner
	defer pinner.Unpin()
	signal := new(uint32)
	pinner.Pin(signal)
	for _, thread := range threads {
		*signal = 0
		_, errno := thread.Syscall(unix.SYS_PRCTL, unix.PR_GET_PDEATHSIG,
			uintptr(unsafe.Pointer(signal)))
		if errno != 0 || *signal != uint32(unix.SIGTERM) {
			t.Errorf("%s thread: signal %d, %v", thread.Kind, *signal, errno)
		}
	}
}
