//go:build !race && !asan

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
)

// What one start costs, in counts that are the same on a fast machine and on a slow one. Each may
// differ by the tolerance, for other versions of kernel, libc and Go; beyond that a start has
// become more expensive, or cheaper: then look why, and write the new value down here.
var countedStarts = []struct {
	name    string
	level   level
	program string

	hostCalls, serverCalls, childCalls count // system calls; of the child, up to its execve
	serverFaults                       count // page faults
	childFaults                        count // the same; not counted where those of a program follow
	allocations                        count // of the host, on the Go heap
}{
	{
		name:        "no namespaces, script only",
		level:       none,
		hostCalls:   count{49, 5},
		serverCalls: count{16, 3}, childCalls: count{22, 3},
		childFaults: count{60, 25}, serverFaults: count{5, 4},
		allocations: count{41, 6},
	},
	{
		name:        "no namespaces, program",
		level:       none,
		program:     programToExec,
		hostCalls:   count{49, 5},
		serverCalls: count{16, 3}, childCalls: count{22, 3},
		serverFaults: count{5, 4},
		allocations:  count{41, 6},
	},
	{
		name:        "six namespaces, script only",
		level:       six,
		hostCalls:   count{66, 5},
		serverCalls: count{15, 3}, childCalls: count{22, 3},
		childFaults: count{59, 25}, serverFaults: count{5, 4},
		allocations: count{55, 6},
	},
	{
		name:      "six namespaces, program",
		level:     six,
		program:   programToExec,
		hostCalls: count{66, 5},
		// PID 1 makes a call for each run of pages that it puts back; their number is the program's.
		serverCalls: count{15, 3}, childCalls: count{55, 3},
		serverFaults: count{5, 4},
		allocations:  count{55, 6},
	},
}

// comparedCalls is how many of the host's calls compare its state with that of its server. It may
// be less, on kernels that lack some attributes; and one more for each of core scheduling, I/O
// flushers, flushes of the L1 data cache, and two for the labels of security modules, where a
// machine has them.
const comparedCalls, comparedRarely = 26, 5

// An ordinary user's gid map is refused until setgroups(2) has been denied, which the host does then.
const (
	denialCalls       = 8
	denialAllocations = 10
)

type count struct{ want, tolerance float64 }

func (c count) check(t *testing.T, what string, got float64) {
	t.Helper()
	t.Logf("%s per start: %.1f", what, got)
	if got < c.want-c.tolerance || got > c.want+c.tolerance {
		t.Errorf("%s per start: %.1f, want %g, give or take %g", what, got, c.want, c.tolerance)
	}
}

func TestSystemCallsPerStart(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		testkit.Skip(t, err.Error())
	}
	for _, s := range countedStarts {
		t.Run(s.name, func(t *testing.T) {
			requireLevel(t, s.level)
			// Two runs, so that what happens once, as the start of the server, is in neither.
			few := traceStarts(t, strace, s.level, s.program, 5)
			many := traceStarts(t, strace, s.level, s.program, 25)
			perStart := func(side string) float64 { return float64(many[side]-few[side]) / 20 }
			if s.level == six && os.Geteuid() != 0 {
				s.hostCalls.want += denialCalls
			}
			s.hostCalls.check(t, "system calls of the host", perStart("host"))
			compared := perStart("comparison")
			t.Logf("system calls that compare states per start: %.1f", compared)
			if compared < 10 || compared > comparedCalls+comparedRarely {
				t.Errorf("system calls that compare states: %.1f, want %d, and up to %d more "+
					"elsewhere", compared,
					comparedCalls, comparedRarely)
			}
			s.serverCalls.check(t, "system calls of the server", perStart("server"))
			s.childCalls.check(t, "system calls of the child", perStart("child"))
		})
	}
}

func TestPageFaultsPerStart(t *testing.T) {
	const starts = 30
	for _, s := range countedStarts {
		t.Run(s.name, func(t *testing.T) {
			requireLevel(t, s.level)
			server, err := serverPid()
			testkit.Must(t, err)
			before := minorFaults(t, server)
			var faults []float64
			for range starts {
				cmd := newCmd(shortScript, s.level, s.program)
				testkit.Must(t, cmd.Run())
				faults = append(faults, float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Minflt))
			}
			s.serverFaults.check(t, "page faults of the server", (minorFaults(t, server)-before)/starts)
			if s.program == "" {
				slices.Sort(faults)
				s.childFaults.check(t, "page faults of the child", quantile(faults, 0.5))
			}
		})
	}
}

func TestAllocationsPerStart(t *testing.T) {
	for _, s := range countedStarts {
		t.Run(s.name, func(t *testing.T) {
			requireLevel(t, s.level)
			if s.level == six && os.Geteuid() != 0 {
				s.allocations.want += denialAllocations
			}
			s.allocations.check(t, "allocations", testing.AllocsPerRun(50, func() {
				testkit.Must(t, newCmd(shortScript, s.level, s.program).Run())
			}))
		})
	}
}

// startsMarker makes this program a host that makes starts to be traced: "COUNT LEVEL PROGRAM".
const startsMarker = "INITSCRIPT_TEST_COUNTED_STARTS"

func TestMain(m *testing.M) {
	if order := os.Getenv(startsMarker); order != "" {
		if err := makeStarts(order); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func makeStarts(order string) error {
	var starts int
	var l level
	var program string
	if _, err := fmt.Sscan(order, &starts, &l, &program); err != nil {
		return err
	}
	for range starts {
		if err := newCmd(shortScript, l, strings.Trim(program, "-")).Run(); err != nil {
			return err
		}
	}
	return nil
}

// traceStarts counts the system calls of host, server and children.
func traceStarts(t *testing.T, strace string, l level, program string, starts int) map[string]int {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	self, err := os.Executable()
	testkit.Must(t, err)
	cmd := exec.Command(strace, "-f", "-qq", "-o", trace, self)
	// Without the parts of the Go runtime whose calls depend on time.
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1",
		fmt.Sprintf("%s=%d %s %s-", startsMarker, starts, l, program))
	if out, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(string(out), "ptrace") {
			testkit.Skip(t, "no process may be traced here: "+string(out))
		}
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(trace)
	testkit.Must(t, err)
	return countCalls(string(text))
}

var (
	tracedLine = regexp.MustCompile(`(?m)^(\d+) +(?:<\.\.\. )?(\w+)( resumed>|\()(.*)$`)
	tracedID   = regexp.MustCompile(`= (\d+)$`)
)

// runtimeCalls are made by the scheduler of the Go runtime, as often as it sees fit.
var runtimeCalls = []string{
	"futex", "epoll_pwait", "nanosleep", "sched_yield", "clone", "clone3", "mmap", "munmap",
	"madvise", "rt_sigprocmask", "sigaltstack", "gettid", "rt_sigaction", "set_robust_list", "rseq",
}

// comparisonCalls are those that the host makes only to compare its state. The file of the status is
// opened and closed, too.
var comparisonCalls = []string{
	"get_mempolicy", "getpriority", "ioprio_get", "lsm_get_self_attr", "personality", "prctl", "pread64",
	"prlimit64", "readlinkat", "sched_getattr", "statx",
}

// countCalls sorts what strace -f has written by the side that a process is on.
func countCalls(trace string) map[string]int {
	lines := tracedLine.FindAllStringSubmatch(trace, -1) // without those of ends and signals
	sides := hostThreads(lines)
	calls := make(map[string]int)
	for _, line := range lines {
		id, call, begins, rest := line[1], line[2], line[3] == "(", line[4]
		side := sides[id]
		if side == "" {
			side = "child"
		}
		if begins && !(side == "host" && slices.Contains(runtimeCalls, call)) {
			calls[side]++
			switch {
			case side != "host":
			case strings.Contains(rest, `"/proc/thread-self/status"`):
				calls["comparison"] += 2
			case slices.Contains(comparisonCalls, call):
				calls["comparison"]++
			}
		}
		if side == "child" && (call == "execve" || call == "execveat") && begins {
			sides[id] = "program" // no business of ours
			if strings.Contains(rest, `["initscript-server"`) {
				sides[id] = "server"
			}
		}
	}
	return calls
}

// hostThreads finds out first which ids are threads of the host: they may be at work before the
// call that made them has returned.
func hostThreads(lines [][]string) map[string]string {
	sides := make(map[string]string)
	if len(lines) > 0 {
		sides[lines[0][1]] = "host"
	}
	makesThread := make(map[string]bool)
	for _, line := range lines {
		id, call, begins, rest := line[1], line[2], line[3] == "(", line[4]
		if call != "clone" && call != "clone3" {
			continue
		}
		if begins {
			makesThread[id] = strings.Contains(rest, "CLONE_THREAD")
		}
		if made := tracedID.FindStringSubmatch(rest); made != nil && makesThread[id] {
			sides[made[1]] = "host"
		}
	}
	return sides
}

func minorFaults(t *testing.T, pid int) float64 {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	testkit.Must(t, err)
	_, after, _ := strings.Cut(string(stat), ") ")
	faults, err := strconv.ParseFloat(strings.Fields(after)[7], 64)
	testkit.Must(t, err)
	return faults
}

// requireLevel skips where the machine does not let this user create the namespaces.
func requireLevel(t *testing.T, l level) {
	t.Helper()
	cmd := newCmd("", l, "")
	if err := cmd.Run(); err != nil {
		testkit.Skip(t, fmt.Sprintf("%s: %v; %s", levelNames[l], err, initscript.Hint(err)))
	}
}
