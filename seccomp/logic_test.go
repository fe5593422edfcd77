package seccomp

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// smallArg is a condition on the argument 0 that numbers of 4 bits tell apart.
func smallArg(r *rand.Rand) Condition {
	masks := []uint64{0, 15, 1, 3, 12, 10, 14}
	ops := []Op{Equal, NotEqual, Less, LessOrEqual, Greater,
		GreaterOrEqual}
	arg := Condition{Width: 32 + 32*r.IntN(2), Mask: masks[r.IntN(len(masks))]}
	arg.Op = ops[r.IntN(len(ops))]
	arg.Value = uint64(r.IntN(16)) & arg.mask()
	return arg
}

func smallArgs(r *rand.Rand) []Condition {
	args := make([]Condition, r.IntN(4))
	for i := range args {
		args[i] = smallArg(r)
	}
	return args
}

// meets is the plain reading of conditions.
func meets(args []Condition, value uint64) bool {
	for _, a := range args {
		masked := value & a.mask()
		if !map[Op]bool{
			Equal: masked == a.Value, NotEqual: masked != a.Value,
			Less: masked < a.Value, LessOrEqual: masked <= a.Value,
			Greater: masked > a.Value, GreaterOrEqual: masked >= a.Value,
		}[a.Op] {
			return false
		}
	}
	return true
}

// interesting are all values that conditions of smallArg can tell apart.
func interesting() []uint64 {
	values := []uint64{16, 31, math.MaxUint32, 1 << 32, 1<<32 + 5, math.MaxUint64, math.MaxUint64 - 5}
	for v := range uint64(16) {
		values = append(values, v, v|0xf0, v|1<<32, v|0xfffffff0)
	}
	return values
}

// What is said to be impossible is so, for conditions of all kinds; and most of what is impossible is
// found.
func TestContradictingConditions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	impossible, found := 0, 0
	for range 20000 {
		args := smallArgs(r)
		possible := false
		for _, value := range interesting() {
			possible = possible || meets(args, value)
		}
		got := contradict(args)
		if got && possible {
			t.Fatalf("%+v: possible, but said to contradict each other", args)
		}
		if !possible {
			impossible++
		}
		if got {
			found++
		}
	}
	if impossible < 1000 || found < impossible*9/10 {
		t.Errorf("%d of %d contradictions were found", found, impossible)
	}
}

// A rule that is said to be hidden is so.
func TestCoveredConditions(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	hidden, found := 0, 0
	for range 5000 {
		args := smallArgs(r)
		before := make([][]Condition, r.IntN(4))
		for i := range before {
			before[i] = smallArgs(r)
		}
		left := false
		for _, value := range interesting() {
			taken := !meets(args, value)
			for _, earlier := range before {
				taken = taken || meets(earlier, value)
			}
			left = left || !taken
		}
		steps := maxCoverSteps
		got := covered(args, before, &steps)
		if got && left {
			t.Fatalf("%+v is said to be covered by %+v", args, before)
		}
		if !left {
			hidden++
		}
		if got {
			found++
		}
	}
	if hidden < 500 || found < hidden*9/10 {
		t.Errorf("%d of %d hidden ones were found", found, hidden)
	}
}

// What cannot be meant in the text of a policy is told with the line.
func TestRulesWithoutEffect(t *testing.T) {
	const never = "this never decides: the rule in line 3, or one after it, does before"
	for _, test := range []struct{ rules, want string }{
		{"- {names: [read], action: log}\n- {names: [read], action: log}", "line 4: " + never},
		{"- {names: [read, write], action: log}\n- {names: [write, open, read], action: {errno: EPERM}}",
			`line 4: system call "write": ` + never},
		{"- {names: [write, open], action: log}\n- {names: [close, write], action: log}", ""},
		{"- {names: [write], action: log}\n- {names: ['@go-runtime'], action: allow}", ""},
		{"- {names: ['@go-runtime'], action: allow}\n- {names: [write], action: log}",
			`line 4: system call "write": ` + never},
		{"- {names: ['@init'], action: allow}\n- {names: ['@init'], action: allow}", "line 4: " + never},
		{"- {names: ['@init'], action: kill_process}\n- {names: [clone], action: allow}",
			`line 4: system call "clone": ` + never},
		{"- {names: ['@init'], action: allow}\n- {names: [clone, prctl], action: log}", ""},
		{"- {names: ['@go-runtime'], action: allow}\n- {names: [clone3], action: allow}",
			`line 4: system call "clone3": ` + never},
		{"- {names: [clone3], action: allow}\n- {names: ['@go-runtime'], action: allow}", ""},
		{"- {names: ['@go-runtime', clone3, clone], action: allow}", ""},
		{"- {names: [ioctl], action: log, args: [{arg: 1, width: 32, le: 9}]}\n" +
			"- {names: [ioctl], action: allow, args: [{arg: 1, width: 32, eq: 5}]}",
			`line 4: system call "ioctl": ` + never},
		{"- {names: [ioctl], action: log, args: [{arg: 1, width: 32, le: 9}]}\n" +
			"- {names: [ioctl], action: allow, args: [{arg: 1, width: 64, eq: 0x100000005}]}",
			`line 4: system call "ioctl": ` + never},
		{"- {names: [ioctl], action: log, args: [{arg: 1, width: 64, le: 9}]}\n" +
			"- {names: [ioctl], action: allow, args: [{arg: 1, width: 64, eq: 0x100000005}]}", ""},
		{"- {names: [ioctl], action: log, args: [{arg: 1, width: 32, le: 9}]}\n" +
			"- {names: [ioctl], action: allow, args: [{arg: 1, width: 32, gt: 9}]}\n" +
			"- {names: [ioctl], action: trap}", `line 5: system call "ioctl": ` + never},
		{"- {names: [ioctl], action: log, args: [{arg: 1, width: 32, eq: 1}, {arg: 2, width: 32, " +
			"eq: 1}]}\n" +
			"- {names: [ioctl], action: trap, args: [{arg: 1, width: 32, eq: 1}]}", ""},
		{"- names: [ioctl]\n  action: log\n  args: [{arg: 1, width: 32, eq: 1}, {arg: 1, width: " +
			"32, eq: 2}]",
			"line 3: the conditions are never true together"},
		{"- {names: [ioctl], action: log, args: [{arg: 1, width: 32, lt: 5}, {arg: 1, width: 32, " +
			"gt: 4}]}",
			"line 3: the conditions are never true together"},
		{"- {names: [ioctl], action: log, args: [{arg: 1, width: 64, lt: 5}, {arg: 1, width: 32, " +
			"eq: 5}]}",
			"line 3: the conditions are never true together"},
		{"- {names: [ioctl], action: log, args: [{arg: 1, width: 32, mask: 6, eq: 2}, " +
			"{arg: 1, width: 32, mask: 3, eq: 1}]}", "line 3: the conditions are never true together"},
		{"- {names: [ioctl], action: log, args: [{arg: 1, width: 32, eq: 2}, {arg: 1, width: 32, " +
			"ne: 2}]}",
			"line 3: the conditions are never true together"},
		{"- {names: [ioctl], action: log, args: [{arg: 1, width: 32, eq: 2}, {arg: 2, width: 32, " +
			"ne: 2}]}", ""},
	} {
		_, err := ParsePolicy([]byte("default_action: allow\nrules:\n" + test.rules))
		var policyError *Error
		switch {
		case test.want == "" && err == nil:
		case test.want == "" || !errors.As(err, &policyError) ||
			err.Error() != "seccomp policy: "+test.want:
			t.Errorf("%s:\n got %v\nwant %s", test.rules, err, test.want)
		}
	}
}

// A name that is optional is one that exists somewhere.
func TestOptionalNames(t *testing.T) {
	for name, exists := range map[string]bool{
		"opne": false, "Read": false, "read ": false, "": false, "sys_read": false, "__NR_read": false,
		"openat": true, "arm_fadvise64_64": true, "socketcall": true, "s390_sthyi": true, "listns": true,
		"accept": true, "semop": true, "s390_sthyi spu_run": false,
	} {
		for _, row := range architectures {
			goarch := row.goarch
			policy := Policy{DefaultAction: Allow, Rules: []Rule{
				{Names: []string{"read", name}, Action: Log, Optional: true},
			}}
			_, err := policy.CompileFor(goarch)
			var policyError *Error
			if exists && err != nil {
				t.Errorf("%s: %v", goarch, err)
			}
			refused := errors.As(err, &policyError) && errors.Is(err, errNoSuchCall)
			if !exists && (!refused || policyError.Syscall != name) {
				t.Errorf("%s: %q: %v", goarch, name, err)
			}
		}
	}
}

// On 32 bits some comparisons are of what cannot be.
func TestWideValues(t *testing.T) {
	const text = "default_action: allow\nrules:\n- names: [lseek]\n  action: trap\n  args:\n" +
		"  - {arg: 1, width: 64, "
	for condition, fits := range map[string]bool{
		"eq: 0x100000000}": false, "ge: 0x100000000}": false, "mask: 0x100000000, ne: 0}": false,
		"gt: 0xffffffff}": false, "eq: 0xffffffff}": true, "lt: 0x100000001}": true,
	} {
		policy, err := ParsePolicy([]byte(text + condition))
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range architectures {
			goarch := row.goarch
			_, err := policy.CompileFor(goarch)
			is32 := goarch == "386" || goarch == "arm"
			var policyError *Error
			refused := errors.As(err, &policyError) && policyError.Line == 6
			if refused != (is32 && !fits) {
				t.Errorf("%s: %s %v", goarch, condition, err)
			}
		}
	}
}
