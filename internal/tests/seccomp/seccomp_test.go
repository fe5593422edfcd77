package seccomp_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/seccomptest"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/seccomp"
	"golang.org/x/sys/unix"
)

// forChdir is a script under a policy of one action for chdir(2).
func forChdir(action string) string {
	return testkit.Install(testkit.CompilePolicy("default_action: allow\nrules: [{names: [chdir], " +
		"action: " + action + "}]"))
}

// allKnownBut is a script under a policy that allows every known system call but one.
func allKnownBut(refused string) string {
	names := maps.Clone(seccomptest.Archs[runtime.GOARCH].SyscallNames)
	delete(names, refused)
	policy := seccomp.Policy{
		DefaultAction: seccomp.Errno(unix.EDOM),
		Rules:         []seccomp.Rule{{Names: slices.Sorted(maps.Keys(names)), Action: seccomp.Allow}},
	}
	filter, err := policy.Compile()
	if err != nil {
		panic(err)
	}
	return testkit.Lua("system_calls") + testkit.Install(testkit.LuaLiteral(filter))
}

func TestSeccompPolicy(t *testing.T) {
	testkit.RunCases(t, []testkit.ScriptCase{
		{Name: "allow", Script: allKnownBut("chdir") +
			`errexit = false R(C.chdir('/')) R(C.access('/', C.F_OK))`, Sent: []string{"-1,33", "0,0"}},
		{Name: "errno by name", Script: forChdir("{errno: EPERM}") +
			`errexit = false R(C.chdir('/')) R(C.access('/', C.F_OK))`, Sent: []string{"-1,1", "0,0"}},
		{Name: "errno by number", Script: forChdir("{errno: 33}") + `errexit = false R(C.chdir('/'))`,
			Sent: []string{"-1,33"}},
		{Name: "largest errno", Script: forChdir("{errno: 0xfff}") + `errexit = false R(C.chdir('/'))`,
			Sent: []string{"-1,4095"}},
		{Name: "success without effect",
			Script: forChdir("{errno: 0}") + `R(C.chdir('/')) R(C.chdir('/nonexistent'))`,
			Sent:   []string{"0,0", "0,0"}},
		{Name: "kill_process", Script: forChdir("kill_process") + `S('alive') C.chdir('/') S('alive')`,
			Sent: []string{"alive"}, Err: testkit.Killed(unix.SIGSYS)},
		{Name: "kill_thread", Script: forChdir("kill_thread") + `S('alive') C.chdir('/') S('alive')`,
			Sent: []string{"alive"}, Err: testkit.Killed(unix.SIGSYS)},
		{Name: "trap", Script: forChdir("trap") + `S('alive') C.chdir('/') S('alive')`,
			Sent: []string{"alive"}, Err: testkit.Killed(unix.SIGSYS)},
		{Name: "log", Script: forChdir("log") + `R(C.chdir('/'))`, Sent: []string{"0,0"}},
		{Name: "trace without a tracer", Script: forChdir("trace") + `errexit = false R(C.chdir('/'))`,
			Sent: []string{"-1,38"}},
		{Name: "user_notif without a listener",
			Script: forChdir("user_notif") + `errexit = false R(C.chdir('/'))`, Sent: []string{"-1,38"}},
		{Name: "a program is under the policy", Script: forChdir("{errno: EPERM}"),
			Then:   `cd / 2>/dev/null || echo refused; pwd >/dev/null && echo works`,
			Stdout: "refused\nworks\n"},
		{Name: "a program is killed", Script: forChdir("kill_process"), Then: `echo alive; cd /`,
			Stdout: "alive\n", Signal: unix.SIGSYS},
		{
			Name: "the first rule that matches decides",
			Script: testkit.Lua("system_calls") + testkit.Install(testkit.CompilePolicy(`
default_action: allow
rules:
  - {names: [getpid], action: {errno: EPERM}, args: [{arg: 0, width: 64, eq: 1}]}
  - {names: [getpid, getuid], action: {errno: EDOM}, args: [{arg: 0, width: 64, le: 2}]}
  - {names: [getuid], action: allow}
`)) + `R(call('getpid', 0), call('getpid', 1), call('getpid', 2), call('getpid', 3),
	call('getuid', 1), call('getuid', 3))`,
			Sent: []string{"EDOM,EPERM,EDOM,ok,EDOM,ok"},
		},
		{Name: "what is not known is ENOSYS, what is not allowed is not", Script: allKnownBut("chdir") +
			`R(call('chdir')) R(call(9999)) R(call(0x3fffffff)) R(call(-1)) R(call(0x7fffffff))`,
			Sent: []string{"EDOM", "ENOSYS", "ENOSYS", "ENOSYS", "ENOSYS"}},
		{Name: "a name of other architectures is left out",
			Script: testkit.Lua("system_calls") + testkit.Install(testkit.CompilePolicy(
				"default_action: allow\nrules: [{names: [s390_sthyi, getpid], optional: true, action: "+
					"{errno: EDOM}}]")) + `R(call('getpid')) R(call('getuid'))`,
			Sent: []string{"EDOM", "ok"}},
	})
}

// The kernel and the compiler agree on where the halves of an argument are, and on every
// comparison.
func TestSeccompConditions(t *testing.T) {
	const all = "0 4 5 6 0xffffffff 0x100000000 0x100000005 0x500000004 0x500000005 0x500000006 " +
		"0x600000000 0x8000000000000005 0xffffffffffffffff"
	for _, test := range []struct{ condition, matches string }{
		{"width: 64, eq: 5", "5"},
		{"width: 64, eq: 0x500000005", "0x500000005"},
		{"width: 32, eq: 5", "5 0x100000005 0x500000005 0x8000000000000005"},
		{"width: 64, ne: 0x500000005", "0 4 5 6 0xffffffff 0x100000000 0x100000005 0x500000004 " +
			"0x500000006 0x600000000 0x8000000000000005 0xffffffffffffffff"},
		{"width: 32, ne: 5", "0 4 6 0xffffffff 0x100000000 0x500000004 0x500000006 0x600000000 " +
			"0xffffffffffffffff"},
		{"width: 64, lt: 0x500000005", "0 4 5 6 0xffffffff 0x100000000 0x100000005 0x500000004"},
		{"width: 64, le: 0x500000005", "0 4 5 6 0xffffffff 0x100000000 0x100000005 0x500000004 " +
			"0x500000005"},
		{"width: 64, gt: 0x500000005", "0x500000006 0x600000000 0x8000000000000005 0xffffffffffffffff"},
		{"width: 64, ge: 0x500000005", "0x500000005 0x500000006 0x600000000 0x8000000000000005 " +
			"0xffffffffffffffff"},
		{"width: 32, lt: 5", "0 4 0x100000000 0x500000004 0x600000000"},
		{"width: 32, le: 5", "0 4 5 0x100000000 0x100000005 0x500000004 0x500000005 0x600000000 " +
			"0x8000000000000005"},
		{"width: 32, gt: 5", "6 0xffffffff 0x500000006 0xffffffffffffffff"},
		{"width: 32, ge: 5", "5 6 0xffffffff 0x100000005 0x500000005 0x500000006 0x8000000000000005 " +
			"0xffffffffffffffff"},
		{"width: 64, mask: 0x8000000000000001, eq: 0x8000000000000001",
			"0x8000000000000005 0xffffffffffffffff"},
		{"width: 64, mask: 0x500000000, ne: 0",
			"0x100000000 0x100000005 0x500000004 0x500000005 0x500000006 0x600000000 " +
				"0xffffffffffffffff"},
		{"width: 32, mask: 3, eq: 2", "6 0x500000006"},
	} {
		for index := range 6 {
			t.Run(fmt.Sprintf("argument %d %s", index, test.condition), func(t *testing.T) {
				condition := fmt.Sprintf("{arg: %d, %s}", index, test.condition)
				script := testkit.Lua("system_calls") +
					testkit.Install(testkit.CompilePolicy("default_action: allow\nrules: [{names: "+
						"[getpid], action: {errno: EDOM}, args: ["+condition+"]}]"))
				var want []string
				for value := range strings.FieldsSeq(all) {
					script += "R(call('getpid'" + strings.Repeat(", 0xaaaaaaaaaaaaaaaaULL", index) +
						", " + value + "ULL)) "
					verdict := "ok"
					if strings.Contains(" "+test.matches+" ", " "+value+" ") {
						verdict = "EDOM"
					}
					want = append(want, verdict)
				}
				row := testkit.ScriptCase{Script: script, Sent: want}
				row.Run(t)
			})
		}
	}
}

// Of x86: the number space of x32, and the way in for 32-bit programs.
func TestSeccompForeignSystemCalls(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("x32 and int 0x80 are of x86-64")
	}
	x32 := testkit.ScriptCase{Script: allKnownBut("chdir") +
		fmt.Sprintf(`for _, n in ipairs{%d, %d, 512, 547} do R(call(0x40000000 + n)) end`,
			unix.SYS_WRITE, unix.SYS_CHDIR),
		Sent: []string{"ENOSYS", "ENOSYS", "ENOSYS", "ENOSYS"}}
	t.Run("x32", x32.Run)

	// getpid(2) of i386: mov $20, %eax; int $0x80; ret
	const getpid32 = `local ffi = require('ffi') ffi.cdef('void *mmap(void *, size_t, int, int, int, ` +
		`long);') ` +
		`local code = ffi.C.mmap(nil, 4096, 7, 0x22, -1, 0) ffi.copy(code, ` +
		`'\184\20\0\0\0\205\128\195', 8) ` +
		`local getpid = ffi.cast('int (*)(void)', code) `
	free := testkit.RunScript(t, getpid32+`S(getpid() > 0)`)
	if free.Err != nil || !slices.Equal(free.Sent, []string{"true"}) {
		// Nothing that could be installed: the kernel, or what it runs on, has no 32-bit system calls.
		t.Skipf("32-bit system calls do not work here even without a filter: %v %q", free.Err, free.Sent)
	}
	foreign := testkit.ScriptCase{Script: getpid32 +
		testkit.Install(testkit.CompilePolicy("default_action: allow")) +
		`S('alive') getpid() S('alive')`,
		Sent: []string{"alive"}, Err: testkit.Killed(unix.SIGSYS)}
	t.Run("32-bit", foreign.Run)
}

// The filter reaches a script through arg, as the command's users pass it.
func TestSeccompFilterThroughArg(t *testing.T) {
	policy, err := seccomp.ParsePolicy([]byte("default_action: allow\nrules: [{names: [chdir], " +
		"action: {errno: EDOM}}]"))
	testkit.Must(t, err)
	filter, err := policy.Compile()
	testkit.Must(t, err)
	path := t.TempDir() + "/filter"
	testkit.Must(t, os.WriteFile(path, filter, 0o600))
	file, err := os.Open(path)
	testkit.Must(t, err)
	defer file.Close()
	out, err := func() ([]byte, error) {
		cmd := testkit.Command(t, "set_no_new_privs() local filter = C.read(arg, 32768) "+
			"C.seccomp_set_mode_filter(filter)", "/bin/sh", "-c", "cd / 2>/dev/null || echo refused")
		cmd.Arg = file
		return cmd.Output()
	}()
	if err != nil || string(out) != "refused\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// manyNames repeats a name, since there are not so many.
func manyNames(count int) []string { return slices.Repeat([]string{"getpid"}, count) }

func conditions(count int) []seccomp.Condition {
	return slices.Repeat([]seccomp.Condition{
		{Arg: 5, Width: 64, Mask: 0x7fffffff_7fffffff, Op: seccomp.Less, Value: 2 << 32},
	}, count)
}

func compileRule(names []string, args []seccomp.Condition) ([]byte, error) {
	policy := seccomp.Policy{DefaultAction: seccomp.Allow, Rules: []seccomp.Rule{
		{Names: names, Action: seccomp.Errno(unix.EDOM), Args: args},
	}}
	return policy.Compile()
}

// The kernel takes the largest rules, and they work.
func TestSeccompLargestRules(t *testing.T) {
	const (
		matching = `R(call('getpid', 0, 0, 0, 0, 0, 0x1ffffffffULL)) `
		other    = `R(call('getpid', 0, 0, 0, 0, 0, 0x200000000ULL)) R(call('getuid')) `
	)
	for _, test := range []struct {
		names []string
		args  []seccomp.Condition
		sent  []string
	}{
		{manyNames(1), conditions(32), []string{"EDOM", "ok", "ok"}},
		{manyNames(1500), conditions(32), []string{"EDOM", "ok", "ok"}},
		{longestList(t), nil, []string{"EDOM", "EDOM", "ok"}},
	} {
		filter, err := compileRule(test.names, test.args)
		testkit.Must(t, err)
		row := testkit.ScriptCase{Script: testkit.Lua("system_calls") +
			testkit.Install(testkit.LuaLiteral(filter)) + matching + other, Sent: test.sent}
		t.Run(fmt.Sprintf("%d names, %d conditions", len(test.names), len(test.args)), row.Run)
	}
}

// longestList returns as many names as can be compiled.
func longestList(t *testing.T) []string {
	t.Helper()
	for count := 4000; ; count++ {
		filter, err := compileRule(manyNames(count+1), nil)
		if err == nil {
			continue
		}
		var policyError *seccomp.Error
		if !errors.As(err, &policyError) ||
			err.Error() != "seccomp policy: 4097 instructions; the kernel takes at most 4096" ||
			filter != nil {
			t.Fatalf("%d names: %v", count+1, err)
		}
		return manyNames(count)
	}
}

// documentedPolicies are those in docs/reference/seccomp.md, by the comment in their first line.
func documentedPolicies(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/reference/seccomp.md")
	testkit.Must(t, err)
	policies := map[string]string{}
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindAllSubmatch(text, -1) {
		comment, _, _ := strings.Cut(string(block[1]), "\n")
		policies[comment] = string(block[1])
	}
	return policies
}

// The examples of the documentation do what it says.
func TestDocumentedSeccompPolicies(t *testing.T) {
	policies := documentedPolicies(t)
	denyList, allowList := policies["# deny-list.yaml"], policies["# allow-list.yaml"]
	if denyList == "" || allowList == "" || len(policies) != 2 {
		t.Fatalf("docs/reference/seccomp.md has other policies than this test knows: %q", policies)
	}
	for goarch := range seccomptest.Archs {
		for _, text := range policies {
			policy, err := seccomp.ParsePolicy([]byte(text))
			testkit.Must(t, err)
			if _, err := policy.CompileFor(goarch); err != nil {
				t.Errorf("%s: %v", goarch, err)
			}
		}
	}
	cases := []testkit.ScriptCase{
		{Name: "deny-list", Script: testkit.Install(testkit.CompilePolicy(denyList)),
			Then:   `mkdir d && echo made; unshare -U true 2>/dev/null || echo refused`,
			Stdout: "made\nrefused\n"},
		{Name: "system calls of the deny-list",
			Script: testkit.Lua("system_calls") + testkit.Install(testkit.CompilePolicy(denyList)) +
				fmt.Sprintf(
					`R(call(%d)) R(call(%d)) R(call(%d)) R(call(%d))`, unix.SYS_UNSHARE, unix.SYS_KEYCTL,
					unix.SYS_CLONE3, unix.SYS_IO_URING_SETUP),
			Sent: []string{"EPERM", "EPERM", "ENOSYS", "ENOSYS"}},
		{Name: "ioctl commands of the deny-list",
			Script: testkit.Lua("system_calls") + testkit.Install(testkit.CompilePolicy(denyList)) +
				fmt.Sprintf(
					`for _, n in ipairs{0x5412, 0x100005412ULL, 0x541c, 0x5401, 0x541200000000ULL} do `+
						`R(call(%d, 999, n)) end`, unix.SYS_IOCTL),
			Sent: []string{"EPERM", "EPERM", "EPERM", "9", "9"}},
		{Name: "allow-list", Script: `C.write(C.open('f', bit.bor(C.O_CREAT, C.O_WRONLY), mode(6, 4, ` +
			`4)), 'content\n') ` + testkit.Install(testkit.CompilePolicy(allowList)),
			Then: `exec 2>&-; cat f; cat f | cat; mkdir d || echo refused; (: >>f) || echo refused; ` +
				`(: >g) || echo refused; (sleep 0; exit 7); echo $?`,
			Stdout: "content\ncontent\nrefused\nrefused\nrefused\n7\n"},
		{Name: "allow-list in a PID namespace", In: initscript.NewPID,
			Script: testkit.Install(testkit.CompilePolicy(allowList)),
			Then:   `exec 2>&-; echo hello; mkdir d || echo refused`, Stdout: "hello\nrefused\n"},
		{Name: "allow-list for a program in Go",
			Script: testkit.Install(testkit.CompilePolicy(allowList)), Set: runGoProgram,
			Stdout: "goroutines: 5050\nsocket: operation not permitted\n"},
	}
	testkit.RunCases(t, cases)
}

const goProgram = "INITSCRIPT_TEST_GO_PROGRAM"

func runGoProgram(t *testing.T, cmd *initscript.Cmd) {
	t.Helper()
	path, err := os.Executable()
	testkit.Must(t, err)
	cmd.Path, cmd.Args, cmd.Env = path, []string{path}, []string{goProgram + "=1"}
}

// init is the program, in place of the tests.
func init() {
	if os.Getenv(goProgram) == "" {
		return
	}
	sums := make(chan int)
	for i := range 101 {
		go func() {
			runtime.LockOSThread() // every goroutine that waits here has a thread
			sums <- i
		}()
	}
	sum := 0
	for range 101 {
		sum += <-sums
	}
	fmt.Println("goroutines:", sum)
	_, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	fmt.Println("socket:", err)
	os.Exit(0)
}
