package initscript_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// seccompCalls gives scripts call(NAME or NUMBER, ...), which makes a system call with 64-bit
// arguments and returns "ok" or the error's name. Those that have a name here ignore arguments.
var seccompCalls = fmt.Sprintf(`local ffi = require('ffi') ffi.cdef('long syscall(long number, ...);') `+
	`local numbers = {getpid = %d, getuid = %d, chdir = %d} local names = {[%d] = 'ENOSYS', [%d] = 'EDOM', [%d] = 'EPERM'} `+
	`local function call(number, ...) local args = {...} for i = 1, 6 do args[i] = ffi.cast('uint64_t', args[i] or 0) end `+
	`if ffi.C.syscall(ffi.cast('long', numbers[number] or number), unpack(args, 1, 6)) ~= -1 then return 'ok' end `+
	`return names[ffi.errno()] or ffi.errno() end `,
	unix.SYS_GETPID, unix.SYS_GETUID, unix.SYS_CHDIR, int(unix.ENOSYS), int(unix.EDOM), int(unix.EPERM))

// compilePolicy returns the filter as Lua source.
func compilePolicy(policy string) string {
	parsed, err := initscript.ParseSeccompPolicy([]byte(policy))
	if err != nil {
		panic(fmt.Errorf("%w in\n%s", err, policy))
	}
	filter, err := parsed.Compile()
	if err != nil {
		panic(fmt.Errorf("%w in\n%s", err, policy))
	}
	return luaLiteral(filter)
}

// forChdir is a script under a policy of one action for chdir(2).
func forChdir(action string) string {
	return install(compilePolicy("default_action: allow\nrules: [{names: [chdir], action: " + action + "}]"))
}

// allKnownBut is a script under a policy that allows every known system call but one.
func allKnownBut(refused string) string {
	names := maps.Clone(seccompArchs[runtime.GOARCH].SyscallNames)
	delete(names, refused)
	policy := initscript.SeccompPolicy{
		DefaultAction: initscript.SeccompErrno(unix.EDOM),
		Rules:         []initscript.SeccompRule{{Names: slices.Sorted(maps.Keys(names)), Action: initscript.SeccompAllow}},
	}
	filter, err := policy.Compile()
	if err != nil {
		panic(err)
	}
	return seccompCalls + install(luaLiteral(filter))
}

func TestSeccompPolicy(t *testing.T) {
	runCases(t, []scriptCase{
		{name: "allow", script: allKnownBut("chdir") + `errexit = false R(C.chdir('/')) R(C.access('/', C.F_OK))`, sent: []string{"-1,33", "0,0"}},
		{name: "errno by name", script: forChdir("{errno: EPERM}") + `errexit = false R(C.chdir('/')) R(C.access('/', C.F_OK))`, sent: []string{"-1,1", "0,0"}},
		{name: "errno by number", script: forChdir("{errno: 33}") + `errexit = false R(C.chdir('/'))`, sent: []string{"-1,33"}},
		{name: "largest errno", script: forChdir("{errno: 0xfff}") + `errexit = false R(C.chdir('/'))`, sent: []string{"-1,4095"}},
		{name: "success without effect", script: forChdir("{errno: 0}") + `R(C.chdir('/')) R(C.chdir('/nonexistent'))`, sent: []string{"0,0", "0,0"}},
		{name: "kill_process", script: forChdir("kill_process") + `S('alive') C.chdir('/') S('alive')`, sent: []string{"alive"}, err: killed(unix.SIGSYS)},
		{name: "kill_thread", script: forChdir("kill_thread") + `S('alive') C.chdir('/') S('alive')`, sent: []string{"alive"}, err: killed(unix.SIGSYS)},
		{name: "trap", script: forChdir("trap") + `S('alive') C.chdir('/') S('alive')`, sent: []string{"alive"}, err: killed(unix.SIGSYS)},
		{name: "log", script: forChdir("log") + `R(C.chdir('/'))`, sent: []string{"0,0"}},
		{name: "trace without a tracer", script: forChdir("trace") + `errexit = false R(C.chdir('/'))`, sent: []string{"-1,38"}},
		{name: "user_notif without a listener", script: forChdir("user_notif") + `errexit = false R(C.chdir('/'))`, sent: []string{"-1,38"}},
		{name: "a program is under the policy", script: forChdir("{errno: EPERM}"), then: `cd / 2>/dev/null || echo refused; pwd >/dev/null && echo works`, stdout: "refused\nworks\n"},
		{name: "a program is killed", script: forChdir("kill_process"), then: `echo alive; cd /`, stdout: "alive\n", signal: unix.SIGSYS},
		{name: "the first rule that matches decides", script: seccompCalls + install(compilePolicy(`
default_action: allow
rules:
  - {names: [getpid], action: {errno: EPERM}, args: [{arg: 0, width: 64, eq: 1}]}
  - {names: [getpid, getuid], action: {errno: EDOM}, args: [{arg: 0, width: 64, le: 2}]}
  - {names: [getuid], action: allow}
`)) + `R(call('getpid', 0), call('getpid', 1), call('getpid', 2), call('getpid', 3), call('getuid', 1), call('getuid', 3))`,
			sent: []string{"EDOM,EPERM,EDOM,ok,EDOM,ok"}},
		{name: "what is not known is ENOSYS, what is not allowed is not", script: allKnownBut("chdir") +
			`R(call('chdir')) R(call(9999)) R(call(0x3fffffff)) R(call(-1)) R(call(0x7fffffff))`,
			sent: []string{"EDOM", "ENOSYS", "ENOSYS", "ENOSYS", "ENOSYS"}},
		{name: "a name of other architectures is left out", script: seccompCalls + install(compilePolicy(
			"default_action: allow\nrules: [{names: [s390_sthyi, getpid], optional: true, action: {errno: EDOM}}]")) + `R(call('getpid')) R(call('getuid'))`,
			sent: []string{"EDOM", "ok"}},
	})
}

// The kernel and the compiler agree on where the halves of an argument are, and on every
// comparison.
func TestSeccompConditions(t *testing.T) {
	const all = "0 4 5 6 0xffffffff 0x100000000 0x100000005 0x500000004 0x500000005 0x500000006 0x600000000 0x8000000000000005 0xffffffffffffffff"
	for _, test := range []struct{ condition, matches string }{
		{"width: 64, eq: 5", "5"},
		{"width: 64, eq: 0x500000005", "0x500000005"},
		{"width: 32, eq: 5", "5 0x100000005 0x500000005 0x8000000000000005"},
		{"width: 64, ne: 0x500000005", "0 4 5 6 0xffffffff 0x100000000 0x100000005 0x500000004 0x500000006 0x600000000 0x8000000000000005 0xffffffffffffffff"},
		{"width: 32, ne: 5", "0 4 6 0xffffffff 0x100000000 0x500000004 0x500000006 0x600000000 0xffffffffffffffff"},
		{"width: 64, lt: 0x500000005", "0 4 5 6 0xffffffff 0x100000000 0x100000005 0x500000004"},
		{"width: 64, le: 0x500000005", "0 4 5 6 0xffffffff 0x100000000 0x100000005 0x500000004 0x500000005"},
		{"width: 64, gt: 0x500000005", "0x500000006 0x600000000 0x8000000000000005 0xffffffffffffffff"},
		{"width: 64, ge: 0x500000005", "0x500000005 0x500000006 0x600000000 0x8000000000000005 0xffffffffffffffff"},
		{"width: 32, lt: 5", "0 4 0x100000000 0x500000004 0x600000000"},
		{"width: 32, le: 5", "0 4 5 0x100000000 0x100000005 0x500000004 0x500000005 0x600000000 0x8000000000000005"},
		{"width: 32, gt: 5", "6 0xffffffff 0x500000006 0xffffffffffffffff"},
		{"width: 32, ge: 5", "5 6 0xffffffff 0x100000005 0x500000005 0x500000006 0x8000000000000005 0xffffffffffffffff"},
		{"width: 64, mask: 0x8000000000000001, eq: 0x8000000000000001", "0x8000000000000005 0xffffffffffffffff"},
		{"width: 64, mask: 0x500000000, ne: 0", "0x100000000 0x100000005 0x500000004 0x500000005 0x500000006 0x600000000 0xffffffffffffffff"},
		{"width: 32, mask: 3, eq: 2", "6 0x500000006"},
	} {
		for index := range 6 {
			t.Run(fmt.Sprintf("argument %d %s", index, test.condition), func(t *testing.T) {
				condition := fmt.Sprintf("{arg: %d, %s}", index, test.condition)
				script := seccompCalls + install(compilePolicy("default_action: allow\nrules: [{names: [getpid], action: {errno: EDOM}, args: ["+condition+"]}]"))
				var want []string
				for value := range strings.FieldsSeq(all) {
					script += "R(call('getpid'" + strings.Repeat(", 0xaaaaaaaaaaaaaaaaULL", index) + ", " + value + "ULL)) "
					verdict := "ok"
					if strings.Contains(" "+test.matches+" ", " "+value+" ") {
						verdict = "EDOM"
					}
					want = append(want, verdict)
				}
				row := scriptCase{script: script, sent: want}
				row.run(t)
			})
		}
	}
}

// Of x86: the number space of x32, and the way in for 32-bit programs.
func TestSeccompForeignSystemCalls(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("x32 and int 0x80 are of x86-64")
	}
	x32 := scriptCase{script: allKnownBut("chdir") + fmt.Sprintf(`for _, n in ipairs{%d, %d, 512, 547} do R(call(0x40000000 + n)) end`, unix.SYS_WRITE, unix.SYS_CHDIR),
		sent: []string{"ENOSYS", "ENOSYS", "ENOSYS", "ENOSYS"}}
	t.Run("x32", x32.run)

	// getpid(2) of i386: mov $20, %eax; int $0x80; ret
	const getpid32 = `local ffi = require('ffi') ffi.cdef('void *mmap(void *, size_t, int, int, int, long);') ` +
		`local code = ffi.C.mmap(nil, 4096, 7, 0x22, -1, 0) ffi.copy(code, '\184\20\0\0\0\205\128\195', 8) ` +
		`local getpid = ffi.cast('int (*)(void)', code) `
	free := runScript(t, getpid32+`S(getpid() > 0)`)
	if free.Err != nil || !equalStrings(free.Sent, []string{"true"}) {
		// Nothing that could be installed: the kernel, or what it runs on, has no 32-bit system calls.
		t.Skipf("32-bit system calls do not work here even without a filter: %v %q", free.Err, free.Sent)
	}
	foreign := scriptCase{script: getpid32 + install(compilePolicy("default_action: allow")) + `S('alive') getpid() S('alive')`,
		sent: []string{"alive"}, err: killed(unix.SIGSYS)}
	t.Run("32-bit", foreign.run)
}

// The filter reaches a script through arg, as the command's users pass it.
func TestSeccompFilterThroughArg(t *testing.T) {
	policy, err := initscript.ParseSeccompPolicy([]byte("default_action: allow\nrules: [{names: [chdir], action: {errno: EDOM}}]"))
	must(t, err)
	filter, err := policy.Compile()
	must(t, err)
	path := t.TempDir() + "/filter"
	must(t, os.WriteFile(path, filter, 0o600))
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	out, err := func() ([]byte, error) {
		cmd := newCmd(t, "set_no_new_privs() local filter = C.read(arg, 32768) C.seccomp_set_mode_filter(filter)", "/bin/sh", "-c", "cd / 2>/dev/null || echo refused")
		cmd.Arg = file
		return cmd.Output()
	}()
	if err != nil || string(out) != "refused\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestParseSeccompPolicy(t *testing.T) {
	got, err := initscript.ParseSeccompPolicy([]byte(`---
# A comment
default_action: {errno: 3}
rules:
- action: kill_process
  names: [read, "write"]
  optional: true
  args:
  - {arg: 5, width: 64, mask: 0xffff, ne: 0x12}
- names:
  - open
  action:
    errno: ENOENT
...
`))
	must(t, err)
	if text := fmt.Sprintf("%v %v %v", got.DefaultAction, got.Rules[0].Action, got.Rules[1].Action); text != "errno: ESRCH kill_process errno: ENOENT" {
		t.Errorf("actions: %s", text)
	}
	if got.DefaultAction != initscript.SeccompErrno(3) || got.Rules[0].Action != initscript.SeccompKillProcess || got.Rules[1].Action != initscript.SeccompErrno(unix.ENOENT) {
		t.Errorf("actions: %+v", got)
	}
	if !reflect.DeepEqual(got.Rules[0].Names, []string{"read", "write"}) || !got.Rules[0].Optional || got.Rules[1].Optional {
		t.Errorf("rules: %+v", got.Rules)
	}
	arg := got.Rules[0].Args[0]
	if arg.Index != 5 || arg.Width != 64 || arg.Mask != 0xffff || arg.Op != initscript.SeccompNotEqual || arg.Value != 0x12 {
		t.Errorf("condition: %+v", arg)
	}
}

// policyErrors have the text of a policy and the error, with the line that is to blame.
var policyErrors = []struct{ text, want string }{
	{"", "seccomp policy: the text is empty"},
	{"# nothing", "seccomp policy: the text is empty"},
	{"~", "line 1: the policy must be a mapping, with keys and values"},
	{"rules: []", "seccomp policy: no default_action is given"},
	{"default_action: allow\nrules: [", "line 2: did not find expected node content"},
	{"default_action: allow\n---\ndefault_action: allow", "line 2: a second document"},
	{"default_action: allow\ndefault_action: log", `line 2: the key "default_action" is there twice`},
	{"default_action: allow\nsyscalls: []", `line 2: unknown key "syscalls"`},
	{"default_action: deny", `line 1: unknown action "deny"`},
	{"default_action:", "line 1: an action must be a single value"},
	{"default_action: errno", `line 1: unknown action "errno"`},
	{"default_action: {}", "line 1: no action is given"},
	{"default_action: {errno: EFOO}", `line 1: unknown errno "EFOO"`},
	{"default_action: {errno: 4096}", "line 1: errno 4096: the largest is 4095"},
	{"default_action: {errno: -1}", `line 1: "-1" is not a number of 64 bits`},
	{"default_action: {errno: 010}", "line 1: " + ambiguous("010")},
	{"default_action: {errno: 1.5}", `line 1: "1.5" is not a number of 64 bits`},
	{"default_action: {errno: '5'}", `line 1: "5" is a text here, not a number: write it without quotes and tags`},
	{"default_action: {errno: EPERM, errno: EIO}", `line 1: the key "errno" is there twice`},
	{"default_action: {errno: eperm}", `line 1: "eperm" is not a number of 64 bits`},
	{"default_action: {kill: 9}", `line 1: unknown key "kill"`},
	{"default_action: &a allow\nrules: *a", "line 2: rules must be a list"},
	{"default_action: allow\nrules: [read]", "line 2: a rule must be a mapping, with keys and values"},
	{"default_action: allow\nrules:\n- names: read", "line 3: names must be a list"},
	{"default_action: allow\nrules:\n- names: [[read]]", "line 3: a name must be a single value"},
	{"default_action: allow\nrules:\n- names: [read]", "line 3: the rule has no action"},
	{"default_action: allow\nrules:\n- action: log", "line 3: the rule has no names"},
	{"default_action: allow\nrules:\n- names: []\n  action: log", "line 3: the rule has no names"},
	{"default_action: allow\nrules:\n- names: [read]\n  optional: 1", "line 4: optional must be true or false"},
	{"default_action: allow\nrules:\n- names: [read]\n  optional: yes", "line 4: optional must be true or false"},
	{"default_action: allow\nrules:\n- names: [read]\n  optional: ~", "line 4: optional must be true or false"},
	{"default_action: allow\nrules:\n- names: [read]\n  optional:", "line 4: optional must be true or false"},
	{"default_action: allow\nrules:\n- names: [read]\n  optional: 'true'", "line 4: optional must be true or false"},
	{"default_action: allow\nrules:\n- names: [1]", "line 3: a name must be a text, not 1"},
	{"default_action: allow\nrules:\n- names:\n  - read\n  - ~", "line 5: a name must be a text, not ~"},
	{"default_action: allow\nrules:\n- names: [true]", "line 3: a name must be a text, not true"},
	{"default_action: allow\nrules:\n- names: [read]\n  ? [x]\n  : y", "line 4: a key must be a single value"},
	{"default_action: allow\nrules:\n- names: [read]\n  names: [write]", `line 4: the key "names" is there twice`},
	{"default_action: allow\nrules:\n- names:\n  - read\n  - '@gone'\n  action: log\n  optional: true",
		`line 5: system call "@gone": no such group (known: ["@go-runtime" "@init" "@launcher"])`},
	{"default_action: allow\nrules:\n- names: [read]\n  actions: log", `line 4: unknown key "actions"`},
}

var conditionErrors = []struct{ condition, want string }{
	{"5", "a condition must be a mapping, with keys and values"},
	{"{width: 32, eq: 0}", "the condition has no arg"},
	{"{arg: 0, eq: 0}", "the condition has no width"},
	{"{arg: 0, width: 32}", "the condition has no comparison: eq, ne, lt, le, gt or ge"},
	{"{arg: 0, width: 32, eq: 0, ne: 1}", `a condition has one comparison; this has "eq" and "ne"`},
	{"{arg: 6, width: 32, eq: 0}", "argument 6: not in 0 to 5"},
	{"{arg: -1, width: 32, eq: 0}", `"-1" is not a number of 8 bits`},
	{"{arg: 0, width: 16, eq: 0}", "width 16: must be 32 or 64"},
	{"{arg: 0, width: 32, eq: 0x100000000}", "value 0x100000000: does not fit in 32 bits"},
	{"{arg: 0, width: 32, mask: 0x100000000, eq: 0}", "mask 0x100000000: does not fit in 32 bits"},
	{"{arg: 0, width: 64, mask: 0, eq: 0}", "mask must not be 0"},
	{"{arg: 0, width: 64, mask: 6, lt: 1}", "value 0x1: has bits that are not in mask 0x6"},
	{"{arg: 0, width: 64, eq: 0x10000000000000000}", `"0x10000000000000000" is not a number of 64 bits`},
	{"{arg: 0, width: 64, eq: TIOCSTI}", `"TIOCSTI" is not a number of 64 bits`},
	{"{arg: 0, width: 64, eq: []}", "a number must be a single value"},
	{"{arg: 0, width: 64, bits: 1}", `unknown key "bits"`},
	{"{arg: 0, width: 64, eq: 1, width: 32}", `the key "width" is there twice`},
	{"{arg: 0, width: 64, eq: 010}", ambiguous("010")},
	{"{arg: 0, width: 64, eq: 08}", ambiguous("08")},
	{"{arg: 0, width: 64, eq: 0o10}", ambiguous("0o10")},
	{"{arg: 0, width: 64, eq: 0b10}", ambiguous("0b10")},
	{"{arg: 0, width: 64, eq: 1_000}", ambiguous("1_000")},
	{"{arg: 0, width: 64, mask: 0x1_0, eq: 0}", ambiguous("0x1_0")},
	{"{arg: 01, width: 64, eq: 0}", ambiguous("01")},
	{"{arg: 0, width: 64, eq: +1}", `"+1" is not a number of 64 bits`},
	{"{arg: 0, width: 64, eq: 1.0}", `"1.0" is not a number of 64 bits`},
	{"{arg: 0, width: 64, eq: 1e3}", `"1e3" is not a number of 64 bits`},
	{"{arg: 0, width: 64, eq: .inf}", `".inf" is not a number of 64 bits`},
	{"{arg: 0, width: 64, eq: true}", `"true" is not a number of 64 bits`},
	{"{arg: 0, width: 64, eq: ~}", `"~" is not a number of 64 bits`},
	{"{arg: 0, width: 64, eq: '1'}", `"1" is a text here, not a number: write it without quotes and tags`},
	{"{arg: 0, width: 64, eq: !!str 1}", `"1" is a text here, not a number: write it without quotes and tags`},
	{"{arg: 256, width: 64, eq: 1}", `"256" is not a number of 8 bits`},
	{"{arg: 0, width: 64, lt: 0}", "the condition is never true"},
	{"{arg: 0, width: 32, gt: 0xffffffff}", "the condition is never true"},
	{"{arg: 0, width: 64, mask: 0x30, gt: 0x30}", "the condition is never true"},
	{"{arg: 0, width: 64, ge: 0}", "the condition is always true"},
	{"{arg: 0, width: 32, le: 0xffffffff}", "the condition is always true"},
	{"{arg: 0, width: 64, mask: 0x30, le: 0x30}", "the condition is always true"},
}

func ambiguous(number string) string {
	return fmt.Sprintf("%q: numbers are decimal, without a zero before them, or hexadecimal with 0x", number)
}

func TestParseSeccompPolicyErrors(t *testing.T) {
	tests := policyErrors
	for _, c := range conditionErrors {
		text := "default_action: allow\nrules:\n- names: [ioctl]\n  action: log\n  args:\n  - {arg: 0, width: 32, eq: 1}\n  - " + c.condition
		tests = append(tests, struct{ text, want string }{text, "line 7: " + c.want})
	}
	for _, test := range tests {
		want := "seccomp policy: " + strings.TrimPrefix(test.want, "seccomp policy: ")
		policy, err := initscript.ParseSeccompPolicy([]byte(test.text))
		var policyError *initscript.SeccompError
		if !errors.As(err, &policyError) || err.Error() != want || policy != nil {
			t.Errorf("%q:\n got %v\nwant %v", test.text, err, want)
		} else if strings.Contains(want, "line") != (policyError.Line > 0) {
			t.Errorf("%q: line %d", test.text, policyError.Line)
		}
	}
}

func TestSeccompCompileErrors(t *testing.T) {
	policy, err := initscript.ParseSeccompPolicy([]byte("default_action: allow\nrules:\n- {names: [read], action: log}\n\n- {names: [write, opne], action: log}"))
	must(t, err)
	_, err = policy.CompileFor("arm64")
	var policyError *initscript.SeccompError
	if !errors.As(err, &policyError) || policyError.Syscall != "opne" || policyError.Line != 5 {
		t.Errorf("error %+v", err)
	} else if err.Error() != `seccomp policy: line 5: system call "opne": not known on arm64` {
		t.Errorf("error %q", err)
	}

	rule := func(rule initscript.SeccompRule) *initscript.SeccompPolicy {
		return &initscript.SeccompPolicy{DefaultAction: initscript.SeccompAllow, Rules: []initscript.SeccompRule{rule}}
	}
	read := []string{"read"}
	for _, test := range []struct {
		policy *initscript.SeccompPolicy
		goarch string
		want   string
	}{
		{rule(initscript.SeccompRule{Names: read, Action: initscript.SeccompLog}), "riscv64", `seccomp policy: architecture "riscv64" is not known (known: 386, amd64, arm, arm64)`},
		{rule(initscript.SeccompRule{Names: read, Action: initscript.SeccompLog}), "x32", `seccomp policy: architecture "x32" is not known (known: 386, amd64, arm, arm64)`},
		{&initscript.SeccompPolicy{}, "amd64", "seccomp policy: no default_action is given"},
		{&initscript.SeccompPolicy{DefaultAction: initscript.SeccompErrno(4096)}, "amd64", "seccomp policy: no default_action is given"},
		{rule(initscript.SeccompRule{Names: read}), "amd64", "seccomp policy: the rule has no action"},
		{rule(initscript.SeccompRule{Names: read, Action: 7}), "amd64", "seccomp policy: the rule has no action"},
		{rule(initscript.SeccompRule{Action: initscript.SeccompLog}), "amd64", "seccomp policy: the rule has no names"},
		{rule(initscript.SeccompRule{Names: read, Action: initscript.SeccompLog, Args: []initscript.SeccompArg{{Width: 32}}}), "amd64", `seccomp policy: unknown comparison ""`},
		{rule(initscript.SeccompRule{Names: read, Action: initscript.SeccompLog, Args: []initscript.SeccompArg{{Index: -1, Width: 32, Op: "eq"}}}), "amd64", "seccomp policy: argument -1: not in 0 to 5"},
	} {
		if filter, err := test.policy.CompileFor(test.goarch); err == nil || err.Error() != test.want || filter != nil {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

// documentedPolicies are those in docs/seccomp.md, by the comment in their first line.
func documentedPolicies(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("docs/seccomp.md")
	must(t, err)
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
		t.Fatalf("docs/seccomp.md has other policies than this test knows: %q", policies)
	}
	for goarch := range seccompArchs {
		for _, text := range policies {
			policy, err := initscript.ParseSeccompPolicy([]byte(text))
			must(t, err)
			if _, err := policy.CompileFor(goarch); err != nil {
				t.Errorf("%s: %v", goarch, err)
			}
		}
	}
	cases := []scriptCase{
		{name: "deny-list", script: install(compilePolicy(denyList)), then: `mkdir d && echo made; unshare -U true 2>/dev/null || echo refused`,
			stdout: "made\nrefused\n"},
		{name: "system calls of the deny-list", script: seccompCalls + install(compilePolicy(denyList)) + fmt.Sprintf(
			`R(call(%d)) R(call(%d)) R(call(%d)) R(call(%d))`, unix.SYS_UNSHARE, unix.SYS_KEYCTL, unix.SYS_CLONE3, unix.SYS_IO_URING_SETUP),
			sent: []string{"EPERM", "EPERM", "ENOSYS", "ENOSYS"}},
		{name: "ioctl commands of the deny-list", script: seccompCalls + install(compilePolicy(denyList)) + fmt.Sprintf(
			`for _, n in ipairs{0x5412, 0x100005412ULL, 0x541c, 0x5401, 0x541200000000ULL} do R(call(%d, 999, n)) end`, unix.SYS_IOCTL),
			sent: []string{"EPERM", "EPERM", "EPERM", "9", "9"}},
		{name: "allow-list", script: `C.write(C.open('f', bit.bor(C.O_CREAT, C.O_WRONLY), mode(6, 4, 4)), 'content\n') ` + install(compilePolicy(allowList)),
			then:   `exec 2>&-; cat f; cat f | cat; mkdir d || echo refused; (: >>f) || echo refused; (: >g) || echo refused; (sleep 0; exit 7); echo $?`,
			stdout: "content\ncontent\nrefused\nrefused\nrefused\n7\n"},
		{name: "allow-list in a PID namespace", in: initscript.NewPID, script: install(compilePolicy(allowList)), then: `exec 2>&-; echo hello; mkdir d || echo refused`, stdout: "hello\nrefused\n"},
		{name: "allow-list for a program in Go", script: install(compilePolicy(allowList)), set: runGoProgram, stdout: "goroutines: 5050\nsocket: operation not permitted\n"},
	}
	runCases(t, cases)
}

const goProgram = "INITSCRIPT_TEST_GO_PROGRAM"

func runGoProgram(t *testing.T, cmd *initscript.Cmd) {
	t.Helper()
	path, err := os.Executable()
	must(t, err)
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
