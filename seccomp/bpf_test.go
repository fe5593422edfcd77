package seccomp_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/go-initscript/initscript/internal/seccomptest"
	"github.com/go-initscript/initscript/seccomp"
)

const retENOSYS uint32 = seccomptest.Errno | seccomptest.ENOSYS

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Every number has the verdict that it should, on every architecture, in a policy that has nothing
// to say about it.
func TestNumbers(t *testing.T) {
	for goarch, info := range seccomptest.Archs {
		policy := seccomp.Policy{DefaultAction: seccomp.Allow}
		filter, err := policy.CompileFor(goarch)
		must(t, err)
		vm := seccomptest.Load(t, filter)
		numbers := []uint32{9999, seccomptest.X32 - 1, seccomptest.X32, seccomptest.X32 + 512,
			0x7fffffff, 0x80000000, 0xffffffff}
		for number := range uint32(2000) {
			numbers = append(numbers, number, number|seccomptest.X32)
		}
		for number := range info.SyscallNumbers {
			numbers = append(numbers, uint32(number-1), uint32(number), uint32(number+1))
		}
		for _, number := range numbers {
			want := retENOSYS
			if _, known := info.SyscallNumbers[int(number)]; known {
				want = seccomptest.Allow
			}
			got := vm.Verdict(t, seccomptest.Data{Number: number, Arch: uint32(info.ID)})
			if got != want {
				t.Errorf("%s: number %d: %#x, want %#x", goarch, number, got, want)
			}
			for _, other := range []uint32{0, 0xffffffff, uint32(info.ID) ^ 1,
				uint32(otherArch(goarch).ID)} {
				got := vm.Verdict(t, seccomptest.Data{Number: number, Arch: other})
				if got != seccomptest.KillProcess {
					t.Errorf("%s: number %d of architecture %#x: %#x", goarch, number, other, got)
				}
			}
		}
	}
}

// otherArch is the one that a process of the given one could also use.
func otherArch(goarch string) *arch.Info {
	return map[string]*arch.Info{"386": arch.X86_64, "amd64": arch.I386, "arm": arch.AARCH64,
		"arm64": arch.ARM}[goarch]
}

// A system call that fails one rule's conditions is compared by its number in the next, not by the
// argument that was loaded last.
func TestArgumentIsNoNumber(t *testing.T) {
	policy := seccomp.Policy{
		DefaultAction: seccomp.KillProcess,
		Rules: []seccomp.Rule{
			{Names: []string{"ioctl"}, Action: seccomp.Allow, Args: []seccomp.Condition{
				{Arg: 1, Width: 32, Op: seccomp.Equal, Value: 0x5401},
			}},
			{Names: []string{"read", "write"}, Action: seccomp.Allow},
		},
	}
	filter, err := policy.CompileFor("amd64")
	must(t, err)
	vm := seccomptest.Load(t, filter)
	for number := range uint64(400) {
		data := seccomptest.Data{Number: 16, Arch: uint32(arch.X86_64.ID), Args: [6]uint64{0, number}}
		if got := vm.Verdict(t, data); got != seccomptest.KillProcess {
			t.Errorf("ioctl(0, %d): %#x", number, got)
		}
	}
}

// policyGenerator makes policies, and system calls that are near to what they are about.
type policyGenerator struct {
	*rand.Rand
	goarch string
	names  []string
	values []uint64
}

func newPolicyGenerator(seed uint64, goarch string, info *arch.Info) *policyGenerator {
	g := &policyGenerator{
		goarch: goarch,
		Rand:   rand.New(rand.NewPCG(seed, 0)),
		names:  slices.Sorted(maps.Keys(info.SyscallNames)),
		values: []uint64{0, 1, 2, 4, 9, 15, 0x10000000, seccomp.PrSetVMA, 0x7fffffff, 0x80000000,
			0xffffffff, 1 << 32, 1<<32 + 1, 5<<32 + 5, 1 << 63, 1<<64 - 1},
	}
	for range 4 {
		g.values = append(g.values, g.Uint64())
	}
	return g
}

func pick[T any](r *policyGenerator, from []T) T { return from[r.IntN(len(from))] }

var ops = []seccomp.Op{
	seccomp.Equal, seccomp.NotEqual, seccomp.Less,
	seccomp.LessOrEqual, seccomp.Greater, seccomp.GreaterOrEqual,
}

func (g *policyGenerator) action() seccomp.Action {
	if g.IntN(2) == 0 {
		return seccomp.Errno(syscall.Errno(g.IntN(4096)))
	}
	return pick(g, []seccomp.Action{
		seccomp.Allow, seccomp.Log, seccomp.Trace, seccomp.UserNotif,
		seccomp.Trap, seccomp.KillThread, seccomp.KillProcess,
	})
}

func (g *policyGenerator) arg() seccomp.Condition {
	arg := seccomp.Condition{Arg: g.IntN(6), Width: pick(g, []int{32, 64}), Op: pick(g, ops),
		Value: pick(g, g.values)}
	if g.IntN(3) == 0 {
		arg.Mask = pick(g, g.values)
	}
	if arg.Width == 32 {
		arg.Mask, arg.Value = arg.Mask&0xffffffff, arg.Value&0xffffffff
	}
	if arg.Mask != 0 {
		arg.Value &= arg.Mask
	}
	return arg
}

func (g *policyGenerator) policy() *seccomp.Policy {
	policy := &seccomp.Policy{DefaultAction: g.action()}
	for range g.IntN(8) {
		rule := seccomp.Rule{Action: g.action()}
		for range 1 + g.IntN(pick(g, []int{1, 5, 400})) {
			rule.Names = append(rule.Names, pick(g, g.names))
		}
		// Of conditions that hold with a chance of one half few are needed.
		for range g.IntN(pick(g, []int{1, 4, 4, 33})) {
			rule.Args = append(rule.Args, g.arg())
		}
		if g.goarch == "386" {
			rule.Names = slices.DeleteFunc(rule.Names, func(name string) bool {
				return name == "socketcall" || name == "ipc" || len(rule.Args) > 0 &&
					hasHiddenArguments(name)
			})
			rule.Names = append(rule.Names, "getpid")
		}
		if g.IntN(4) == 0 && (g.goarch != "386" || len(rule.Args) == 0) {
			rule.Names = append(rule.Names, pick(g, []string{"@launcher", "@init", "@go-runtime"}))
		}
		policy.Rules = append(policy.Rules, rule)
	}
	return policy
}

// multiplexedNames are the calls behind socketcall(2) and ipc(2), by their numbers there.
var multiplexedNames = map[string]map[uint32][]string{
	"socketcall": {
		1: {"socket"}, 2: {"bind"}, 3: {"connect"}, 4: {"listen"}, 5: {"accept"}, 6: {"getsockname"},
		7: {"getpeername"}, 8: {"socketpair"}, 9: {"send", "sendto"}, 10: {"recv", "recvfrom"},
		11: {"sendto"},
		12: {"recvfrom"}, 13: {"shutdown"}, 14: {"setsockopt"}, 15: {"getsockopt"}, 16: {"sendmsg"},
		17: {"recvmsg"}, 18: {"accept4"}, 19: {"recvmmsg"}, 20: {"sendmmsg"},
	},
	"ipc": {
		1: {"semop"}, 2: {"semget"}, 3: {"semctl"}, 4: {"semtimedop"}, 11: {"msgsnd"}, 12: {"msgrcv"},
		13: {"msgget"}, 14: {"msgctl"}, 21: {"shmat"}, 22: {"shmdt"}, 23: {"shmget"}, 24: {"shmctl"},
	},
}

// hasHiddenArguments tells the calls of the 386 of whose arguments a filter cannot see all.
func hasHiddenArguments(name string) bool {
	for _, calls := range multiplexedNames {
		for _, names := range calls {
			if slices.Contains(names, name) {
				return true
			}
		}
	}
	return name == "mmap" || name == "select"
}

// meanings are the names by which a policy speaks of a call.
func meanings(goarch, name string, args [6]uint64) []string {
	number := uint32(args[0])
	if name == "ipc" {
		number &= 0xffff
	}
	if goarch == "386" {
		return append([]string{name}, multiplexedNames[name][number]...)
	}
	return []string{name}
}

// expected is what the policy says, in the plain way.
func expected(policy *seccomp.Policy, goarch, name string, args [6]uint64) uint32 {
	for _, rule := range policy.Rules {
		if slices.ContainsFunc(
			rule.Args,
			func(arg seccomp.Condition) bool { return !holds(arg, args[arg.Arg]) },
		) {
			continue
		}
		for _, name := range meanings(goarch, name, args) {
			if slices.Contains(rule.Names, name) {
				return uint32(rule.Action)
			}
		}
		for _, name := range meanings(goarch, name, args) {
			for _, group := range rule.Names {
				if !slices.Contains(seccomp.MembersOf(group), name) {
					continue
				}
				if action, decides := groupSays(rule.Action, name, args); decides {
					return action
				}
			}
		}
	}
	return uint32(policy.DefaultAction)
}

// groupSays is what becomes of a call of a group, and whether its rule decides about it.
func groupSays(action seccomp.Action, name string, args [6]uint64) (verdict uint32, decides bool) {
	if action != seccomp.Allow && action != seccomp.Log {
		return uint32(action), true
	}
	verdict, first := uint32(action), uint32(args[0])
	switch name {
	case "clone":
		return verdict, first&0x7e020000 == 0
	case "clone3":
		return retENOSYS, true
	case "prlimit64":
		return verdict, first == 0
	case "prctl":
		return verdict, first == seccomp.PrSetVMA || first == seccomp.PrSetName ||
			first == seccomp.PrGetDumpable || first == seccomp.PrCapbsetRead ||
			first == seccomp.PrSetDumpable && args[1] <= 1 || first == seccomp.PrSetPdeathsig &&
			args[1] == 9
	}
	return verdict, true
}

func holds(arg seccomp.Condition, value uint64) bool {
	if arg.Width == 32 {
		value = uint64(uint32(value))
	}
	if arg.Mask != 0 {
		value &= arg.Mask
	}
	switch arg.Op {
	case seccomp.Equal:
		return value == arg.Value
	case seccomp.NotEqual:
		return value != arg.Value
	case seccomp.Less:
		return value < arg.Value
	case seccomp.LessOrEqual:
		return value <= arg.Value
	case seccomp.Greater:
		return value > arg.Value
	case seccomp.GreaterOrEqual:
		return value >= arg.Value
	}
	panic("unknown comparison " + arg.Op)
}

// The compiled filter says what the policy says, for policies of all sizes.
func TestRandomPolicies(t *testing.T) {
	for goarch, info := range seccomptest.Archs {
		matched := 0
		for seed := range uint64(100) {
			g := newPolicyGenerator(seed, goarch, info)
			policy := g.policy()
			filter, err := policy.CompileFor(goarch)
			must(t, err)
			vm := seccomptest.Load(t, filter)
			for range 200 {
				name := pick(g, g.names)
				if len(policy.Rules) > 0 && g.IntN(2) == 0 {
					name = pick(g, pick(g, policy.Rules).Names)
				}
				if members := seccomp.MembersOf(name); members != nil {
					name = pick(g, members)
				}
				if _, known := info.SyscallNames[name]; !known {
					continue
				}
				data := seccomptest.Data{Number: uint32(info.SyscallNames[name]), Arch: uint32(info.ID)}
				for i := range data.Args {
					data.Args[i] = pick(g, g.values) + pick(g, []uint64{0, 0, 1, 1<<64 - 1})
				}
				if multiplexedNames[name] != nil {
					data.Args[0] = uint64(g.IntN(26)) + pick(g, []uint64{0, 1 << 16, 1 << 32})
				}
				want := expected(policy, goarch, name, data.Args)
				if got := vm.Verdict(t, data); got != want {
					t.Fatalf("%s, seed %d: %s%#x: %#x, want %#x\n%+v", goarch, seed, name, data.Args,
						got, want, policy)
				}
				if want != uint32(policy.DefaultAction) {
					matched++
				}
			}
		}
		if matched < 2000 {
			t.Errorf("%s: only %d of 20000 system calls were those of a rule", goarch, matched)
		}
	}
}

// largeRule is about a number of names, which are one, since there are not so many.
func largeRule(names, conditions int) *seccomp.Policy {
	condition := seccomp.Condition{
		Arg: 5, Width: 64, Mask: 0x7fffffff_7fffffff, Op: seccomp.Less, Value: 2 << 32,
	}
	return &seccomp.Policy{DefaultAction: seccomp.Allow, Rules: []seccomp.Rule{{
		Names:  slices.Repeat([]string{"getpid"}, names),
		Action: seccomp.Errno(syscall.EDOM),
		Args:   slices.Repeat([]seccomp.Condition{condition}, conditions),
	}}}
}

// What is larger than the kernel's limit, or than a jump is long, is an error; all else can be loaded.
func TestLargestRules(t *testing.T) {
	for _, test := range []struct {
		names, conditions int
		want              string
	}{
		{1, 32, ""},
		{1500, 32, ""},
		{1, 33, "33 conditions; a rule can have at most 32"},
		{4000, 0, ""},
		{5000, 0, "5030 instructions; the kernel takes at most 4096"},
	} {
		filter, err := largeRule(test.names, test.conditions).CompileFor("amd64")
		if test.want == "" && err == nil {
			seccomptest.Load(t, filter)
		} else if err == nil || err.Error() != "seccomp policy: "+test.want || filter != nil {
			t.Errorf("%d names, %d conditions: %v", test.names, test.conditions, err)
		}
	}
}

// What can only be seen of a call through a multiplexer is its number.
func TestMultiplexers(t *testing.T) {
	allow, errno := seccomp.Allow, seccomp.Errno(syscall.EPERM)
	args := []seccomp.Condition{{Arg: 0, Width: 32, Op: seccomp.Equal, Value: 1}}
	rule := func(action seccomp.Action, args []seccomp.Condition, names ...string) seccomp.Rule {
		return seccomp.Rule{Names: names, Action: action, Args: args}
	}
	const (
		blind = `system call "socket": no args are possible on 386, where it is also made ` +
			`through socketcall, `
		unrefused = blind + "whose arguments are not those (unless an earlier rule refuses that)"
	)
	for _, test := range []struct {
		name  string
		rules []seccomp.Rule
		want  string
	}{
		{"without args", []seccomp.Rule{rule(errno, nil, "socket", "semop", "mmap", "select")}, ""},
		{"with args", []seccomp.Rule{rule(errno, args, "socket")}, unrefused},
		{"allowed with args", []seccomp.Rule{rule(allow, args, "socket")}, unrefused},
		{"socketcall is refused before",
			[]seccomp.Rule{rule(errno, nil, "socketcall"), rule(allow, args, "socket")}, ""},
		{"socketcall is refused after",
			[]seccomp.Rule{rule(allow, args, "socket"), rule(errno, nil, "socketcall")}, unrefused},
		{"socketcall is refused in part",
			[]seccomp.Rule{rule(errno, args, "socketcall"), rule(allow, args, "socket")}, unrefused},
		{"socketcall is allowed before",
			[]seccomp.Rule{rule(allow, nil, "socketcall"), rule(errno, nil, "socket")},
			`system call "socket": on 386 it is also made through socketcall, for which an ` +
				`earlier rule has "allow"`},
		{"both are allowed", []seccomp.Rule{rule(allow, nil, "socketcall"), rule(allow, nil, "socket")},
			""},
		{"a number of socketcall",
			[]seccomp.Rule{rule(errno, args, "socketcall"), rule(errno, args, "ipc")}, ""},
		{"old mmap with args", []seccomp.Rule{rule(errno, args, "mmap")},
			`system call "mmap": no args are possible on 386, where they are behind a pointer`},
		{"group with args", []seccomp.Rule{rule(errno, args, "@launcher")},
			`system call "@launcher": no args are possible on 386, where they are behind a pointer`},
	} {
		policy := seccomp.Policy{DefaultAction: allow, Rules: test.rules}
		_, err := policy.CompileFor("386")
		if (err == nil) != (test.want == "") || err != nil &&
			err.Error() != "seccomp policy: "+test.want {
			t.Errorf("%s:\n got %v\nwant %s", test.name, err, test.want)
		}
		for _, goarch := range []string{"amd64", "arm", "arm64"} {
			for i := range policy.Rules {
				policy.Rules[i].Optional = true
			}
			if _, err := policy.CompileFor(goarch); err != nil {
				t.Errorf("%s, %s: %v", test.name, goarch, err)
			}
		}
	}
}

// Every call that there is behind a multiplexer is refused by its own name, and by no other.
func TestMultiplexedCalls(t *testing.T) {
	for through, calls := range multiplexedNames {
		names := map[string]bool{}
		for _, more := range calls {
			for _, name := range more {
				names[name] = true
			}
		}
		for name := range names {
			policy := seccomp.Policy{DefaultAction: seccomp.Allow, Rules: []seccomp.Rule{
				{Names: []string{name}, Action: seccomp.KillProcess},
			}}
			filter, err := policy.CompileFor("386")
			must(t, err)
			vm := seccomptest.Load(t, filter)
			for number := range uint32(30) {
				want := uint32(seccomptest.Allow)
				if slices.Contains(calls[number], name) {
					want = seccomptest.KillProcess
				}
				data := seccomptest.Data{Number: uint32(arch.I386.SyscallNames[through]),
					Arch: uint32(arch.I386.ID)}
				data.Args[0] = uint64(number)
				if got := vm.Verdict(t, data); got != want {
					t.Errorf("%s: %s(%d): %#x, want %#x", name, through, number, got, want)
				}
			}
		}
	}
}
