package seccomp_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript/seccomp"
)

func TestParsePolicy(t *testing.T) {
	got, err := seccomp.ParsePolicy([]byte(`---
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
	if text := fmt.Sprintf("%v %v %v", got.DefaultAction, got.Rules[0].Action,
		got.Rules[1].Action); text != "errno: ESRCH kill_process errno: ENOENT" {
		t.Errorf("actions: %s", text)
	}
	if got.DefaultAction != seccomp.Errno(3) || got.Rules[0].Action != seccomp.KillProcess ||
		got.Rules[1].Action != seccomp.Errno(syscall.ENOENT) {
		t.Errorf("actions: %+v", got)
	}
	if !reflect.DeepEqual(got.Rules[0].Names, []string{"read", "write"}) || !got.Rules[0].Optional ||
		got.Rules[1].Optional {
		t.Errorf("rules: %+v", got.Rules)
	}
	arg := got.Rules[0].Args[0]
	if arg.Arg != 5 || arg.Width != 64 || arg.Mask != 0xffff || arg.Op != seccomp.NotEqual ||
		arg.Value != 0x12 {
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
	{"default_action: {errno: '5'}", `line 1: "5" is a text here, not a number: write it without ` +
		`quotes and tags`},
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
	{"default_action: allow\nrules:\n- names: [read]\n  optional: 1", "line 4: optional must be " +
		"true or false"},
	{"default_action: allow\nrules:\n- names: [read]\n  optional: yes", "line 4: optional must be " +
		"true or false"},
	{"default_action: allow\nrules:\n- names: [read]\n  optional: ~", "line 4: optional must be " +
		"true or false"},
	{"default_action: allow\nrules:\n- names: [read]\n  optional:", "line 4: optional must be " +
		"true or false"},
	{"default_action: allow\nrules:\n- names: [read]\n  optional: 'true'", "line 4: optional must " +
		"be true or false"},
	{"default_action: allow\nrules:\n- names: [1]", "line 3: a name must be a text, not 1"},
	{"default_action: allow\nrules:\n- names:\n  - read\n  - ~", "line 5: a name must be a text, not ~"},
	{"default_action: allow\nrules:\n- names: [true]", "line 3: a name must be a text, not true"},
	{"default_action: allow\nrules:\n- names: [read]\n  ? [x]\n  : y", "line 4: a key must be a " +
		"single value"},
	{"default_action: allow\nrules:\n- names: [read]\n  names: [write]", `line 4: the key "names" ` +
		`is there twice`},
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
	{"{arg: 0, width: 64, eq: '1'}", `"1" is a text here, not a number: write it without quotes ` +
		`and tags`},
	{"{arg: 0, width: 64, eq: !!str 1}", `"1" is a text here, not a number: write it without ` +
		`quotes and tags`},
	{"{arg: 256, width: 64, eq: 1}", `"256" is not a number of 8 bits`},
	{"{arg: 0, width: 64, lt: 0}", "the condition is never true"},
	{"{arg: 0, width: 32, gt: 0xffffffff}", "the condition is never true"},
	{"{arg: 0, width: 64, mask: 0x30, gt: 0x30}", "the condition is never true"},
	{"{arg: 0, width: 64, ge: 0}", "the condition is always true"},
	{"{arg: 0, width: 32, le: 0xffffffff}", "the condition is always true"},
	{"{arg: 0, width: 64, mask: 0x30, le: 0x30}", "the condition is always true"},
}

func ambiguous(number string) string {
	return fmt.Sprintf("%q: numbers are decimal, without a zero before them, or hexadecimal with 0x",
		number)
}

func TestParsePolicyErrors(t *testing.T) {
	tests := policyErrors
	for _, c := range conditionErrors {
		text := "default_action: allow\nrules:\n- names: [ioctl]\n  action: log\n  args:\n  - " +
			"{arg: 0, width: 32, eq: 1}\n  - " + c.condition
		tests = append(tests, struct{ text, want string }{text, "line 7: " + c.want})
	}
	for _, test := range tests {
		want := "seccomp policy: " + strings.TrimPrefix(test.want, "seccomp policy: ")
		policy, err := seccomp.ParsePolicy([]byte(test.text))
		var policyError *seccomp.Error
		if !errors.As(err, &policyError) || err.Error() != want || policy != nil {
			t.Errorf("%q:\n got %v\nwant %v", test.text, err, want)
		} else if strings.Contains(want, "line") != (policyError.Line > 0) {
			t.Errorf("%q: line %d", test.text, policyError.Line)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	policy, err := seccomp.ParsePolicy([]byte("default_action: allow\nrules:\n- {names: [read], " +
		"action: log}\n\n- {names: [write, opne], action: log}"))
	must(t, err)
	_, err = policy.CompileFor("arm64")
	var policyError *seccomp.Error
	if !errors.As(err, &policyError) || policyError.Syscall != "opne" || policyError.Line != 5 {
		t.Errorf("error %+v", err)
	} else if err.Error() != `seccomp policy: line 5: system call "opne": not known on arm64` {
		t.Errorf("error %q", err)
	}

	rule := func(rule seccomp.Rule) *seccomp.Policy {
		return &seccomp.Policy{DefaultAction: seccomp.Allow, Rules: []seccomp.Rule{rule}}
	}
	read := []string{"read"}
	for _, test := range []struct {
		policy *seccomp.Policy
		goarch string
		want   string
	}{
		{rule(seccomp.Rule{Names: read, Action: seccomp.Log}), "riscv64", `seccomp policy: ` +
			`architecture "riscv64" is not known (known: 386, amd64, arm, arm64)`},
		{rule(seccomp.Rule{Names: read, Action: seccomp.Log}), "x32", `seccomp policy: ` +
			`architecture "x32" is not known (known: 386, amd64, arm, arm64)`},
		{&seccomp.Policy{}, "amd64", "seccomp policy: no default_action is given"},
		{&seccomp.Policy{DefaultAction: seccomp.Errno(4096)}, "amd64", "seccomp policy: no " +
			"default_action is given"},
		{rule(seccomp.Rule{Names: read}), "amd64", "seccomp policy: the rule has no action"},
		{rule(seccomp.Rule{Names: read, Action: 7}), "amd64", "seccomp policy: the rule has no action"},
		{rule(seccomp.Rule{Action: seccomp.Log}), "amd64", "seccomp policy: the rule has no names"},
		{rule(seccomp.Rule{Names: read, Action: seccomp.Log, Args: []seccomp.Condition{{Width: 32}}}),
			"amd64", `seccomp policy: unknown comparison ""`},
		{rule(seccomp.Rule{Names: read, Action: seccomp.Log,
			Args: []seccomp.Condition{{Arg: -1, Width: 32, Op: "eq"}}}), "amd64",
			"seccomp policy: argument -1: not in 0 to 5"},
	} {
		if filter, err := test.policy.CompileFor(test.goarch); err == nil || err.Error() != test.want ||
			filter != nil {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}
