package initscript_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/go-initscript/initscript"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

var seccompArchs = map[string]*arch.Info{
	"386": arch.I386, "amd64": arch.X86_64, "arm": arch.ARM, "arm64": arch.AARCH64,
}

// seccompData is what a filter sees of a system call.
type seccompData struct {
	number, arch uint32
	args         [6]uint64
}

// bytes returns the struct for the interpreter, which loads in network byte order, as it is where
// the lower half of an argument comes first.
func (d seccompData) bytes() []byte {
	b := binary.BigEndian.AppendUint32(nil, d.number)
	b = binary.BigEndian.AppendUint32(b, d.arch)
	b = append(b, make([]byte, 8)...)
	for _, arg := range d.args {
		b = binary.BigEndian.AppendUint32(b, uint32(arg))
		b = binary.BigEndian.AppendUint32(b, uint32(arg>>32))
	}
	return b
}

// interpreter loads a filter into the interpreter, which accepts correct programs only.
func interpreter(t *testing.T, filter []byte) *bpf.VM {
	t.Helper()
	if len(filter)%8 != 0 {
		t.Fatalf("%d bytes are no filter", len(filter))
	}
	var program []bpf.Instruction
	for i := range slices.Chunk(filter, 8) {
		program = append(program, bpf.RawInstruction{
			Op: binary.LittleEndian.Uint16(i), Jt: i[2], Jf: i[3], K: binary.LittleEndian.Uint32(i[4:]),
		}.Disassemble())
	}
	vm, err := bpf.NewVM(program)
	must(t, err)
	return vm
}

func verdictOn(t *testing.T, vm *bpf.VM, data seccompData) uint32 {
	t.Helper()
	verdict, err := vm.Run(data.bytes())
	must(t, err)
	return uint32(verdict)
}

const (
	retENOSYS = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	x32Bit    = 0x40000000
)

// Every number has the verdict that it should, on every architecture, in a policy that has nothing
// to say about it.
func TestSeccompNumbers(t *testing.T) {
	for goarch, info := range seccompArchs {
		policy := initscript.SeccompPolicy{DefaultAction: initscript.SeccompAllow}
		filter, err := policy.CompileFor(goarch)
		must(t, err)
		vm := interpreter(t, filter)
		numbers := []uint32{9999, x32Bit - 1, x32Bit, x32Bit + 512, 0x7fffffff, 0x80000000, 0xffffffff}
		for number := range uint32(2000) {
			numbers = append(numbers, number, number|x32Bit)
		}
		for number := range info.SyscallNumbers {
			numbers = append(numbers, uint32(number-1), uint32(number), uint32(number+1))
		}
		for _, number := range numbers {
			want := retENOSYS
			if _, known := info.SyscallNumbers[int(number)]; known {
				want = unix.SECCOMP_RET_ALLOW
			}
			if got := verdictOn(t, vm, seccompData{number: number, arch: uint32(info.ID)}); got != want {
				t.Errorf("%s: number %d: %#x, want %#x", goarch, number, got, want)
			}
			for _, other := range []uint32{0, 0xffffffff, uint32(info.ID) ^ 1, uint32(otherArch(goarch).ID)} {
				if got := verdictOn(t, vm, seccompData{number: number, arch: other}); got != unix.SECCOMP_RET_KILL_PROCESS {
					t.Errorf("%s: number %d of architecture %#x: %#x", goarch, number, other, got)
				}
			}
		}
	}
}

// otherArch is the one that a process of the given one could also use.
func otherArch(goarch string) *arch.Info {
	return map[string]*arch.Info{"386": arch.X86_64, "amd64": arch.I386, "arm": arch.AARCH64, "arm64": arch.ARM}[goarch]
}

// A system call that fails one rule's conditions is compared by its number in the next, not by the
// argument that was loaded last.
func TestSeccompArgumentIsNoNumber(t *testing.T) {
	policy := initscript.SeccompPolicy{
		DefaultAction: initscript.SeccompKillProcess,
		Rules: []initscript.SeccompRule{
			{Names: []string{"ioctl"}, Action: initscript.SeccompAllow, Args: []initscript.SeccompArg{
				{Index: 1, Width: 32, Op: initscript.SeccompEqual, Value: unix.TCGETS},
			}},
			{Names: []string{"read", "write"}, Action: initscript.SeccompAllow},
		},
	}
	filter, err := policy.CompileFor("amd64")
	must(t, err)
	vm := interpreter(t, filter)
	for number := range uint64(400) {
		data := seccompData{16, uint32(arch.X86_64.ID), [6]uint64{0, number}}
		if got := verdictOn(t, vm, data); got != unix.SECCOMP_RET_KILL_PROCESS {
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
		values: []uint64{0, 1, 2, 4, 9, 15, 0x10000000, unix.PR_SET_VMA, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 32, 1<<32 + 1, 5<<32 + 5, 1 << 63, 1<<64 - 1},
	}
	for range 4 {
		g.values = append(g.values, g.Uint64())
	}
	return g
}

func pick[T any](r *policyGenerator, from []T) T { return from[r.IntN(len(from))] }

var seccompOps = []initscript.SeccompOp{
	initscript.SeccompEqual, initscript.SeccompNotEqual, initscript.SeccompLess,
	initscript.SeccompLessOrEqual, initscript.SeccompGreater, initscript.SeccompGreaterOrEqual,
}

func (g *policyGenerator) action() initscript.SeccompAction {
	if g.IntN(2) == 0 {
		return initscript.SeccompErrno(syscall.Errno(g.IntN(4096)))
	}
	return pick(g, []initscript.SeccompAction{
		initscript.SeccompAllow, initscript.SeccompLog, initscript.SeccompTrace, initscript.SeccompUserNotif,
		initscript.SeccompTrap, initscript.SeccompKillThread, initscript.SeccompKillProcess,
	})
}

func (g *policyGenerator) arg() initscript.SeccompArg {
	arg := initscript.SeccompArg{Index: g.IntN(6), Width: pick(g, []int{32, 64}), Op: pick(g, seccompOps), Value: pick(g, g.values)}
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

func (g *policyGenerator) policy() *initscript.SeccompPolicy {
	policy := &initscript.SeccompPolicy{DefaultAction: g.action()}
	for range g.IntN(8) {
		rule := initscript.SeccompRule{Action: g.action()}
		for range 1 + g.IntN(pick(g, []int{1, 5, 400})) {
			rule.Names = append(rule.Names, pick(g, g.names))
		}
		// Of conditions that hold with a chance of one half few are needed.
		for range g.IntN(pick(g, []int{1, 4, 4, 33})) {
			rule.Args = append(rule.Args, g.arg())
		}
		if g.goarch == "386" {
			rule.Names = slices.DeleteFunc(rule.Names, func(name string) bool {
				return name == "socketcall" || name == "ipc" || len(rule.Args) > 0 && hasHiddenArguments(name)
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
		7: {"getpeername"}, 8: {"socketpair"}, 9: {"send", "sendto"}, 10: {"recv", "recvfrom"}, 11: {"sendto"},
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
func expected(policy *initscript.SeccompPolicy, goarch, name string, args [6]uint64) uint32 {
	for _, rule := range policy.Rules {
		if slices.ContainsFunc(rule.Args, func(arg initscript.SeccompArg) bool { return !holds(arg, args[arg.Index]) }) {
			continue
		}
		for _, name := range meanings(goarch, name, args) {
			if slices.Contains(rule.Names, name) {
				return uint32(rule.Action)
			}
		}
		for _, name := range meanings(goarch, name, args) {
			for _, group := range rule.Names {
				if !slices.Contains(initscript.SeccompGroups[group], name) {
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
func groupSays(action initscript.SeccompAction, name string, args [6]uint64) (verdict uint32, decides bool) {
	if action != initscript.SeccompAllow && action != initscript.SeccompLog {
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
		return verdict, first == unix.PR_SET_VMA || first == unix.PR_SET_NAME || first == unix.PR_GET_DUMPABLE ||
			first == unix.PR_SET_DUMPABLE && args[1] <= 1 || first == unix.PR_SET_PDEATHSIG && args[1] == 9
	}
	return verdict, true
}

func holds(arg initscript.SeccompArg, value uint64) bool {
	if arg.Width == 32 {
		value = uint64(uint32(value))
	}
	if arg.Mask != 0 {
		value &= arg.Mask
	}
	switch arg.Op {
	case initscript.SeccompEqual:
		return value == arg.Value
	case initscript.SeccompNotEqual:
		return value != arg.Value
	case initscript.SeccompLess:
		return value < arg.Value
	case initscript.SeccompLessOrEqual:
		return value <= arg.Value
	case initscript.SeccompGreater:
		return value > arg.Value
	case initscript.SeccompGreaterOrEqual:
		return value >= arg.Value
	}
	panic("unknown comparison " + arg.Op)
}

// The compiled filter says what the policy says, for policies of all sizes.
func TestSeccompRandomPolicies(t *testing.T) {
	for goarch, info := range seccompArchs {
		matched := 0
		for seed := range uint64(100) {
			g := newPolicyGenerator(seed, goarch, info)
			policy := g.policy()
			filter, err := policy.CompileFor(goarch)
			must(t, err)
			vm := interpreter(t, filter)
			for range 200 {
				name := pick(g, g.names)
				if len(policy.Rules) > 0 && g.IntN(2) == 0 {
					name = pick(g, pick(g, policy.Rules).Names)
				}
				if members := initscript.SeccompGroups[name]; members != nil {
					name = pick(g, members)
				}
				if _, known := info.SyscallNames[name]; !known {
					continue
				}
				data := seccompData{number: uint32(info.SyscallNames[name]), arch: uint32(info.ID)}
				for i := range data.args {
					data.args[i] = pick(g, g.values) + pick(g, []uint64{0, 0, 1, 1<<64 - 1})
				}
				if multiplexedNames[name] != nil {
					data.args[0] = uint64(g.IntN(26)) + pick(g, []uint64{0, 1 << 16, 1 << 32})
				}
				want := expected(policy, goarch, name, data.args)
				if got := verdictOn(t, vm, data); got != want {
					t.Fatalf("%s, seed %d: %s%#x: %#x, want %#x\n%+v", goarch, seed, name, data.args, got, want, policy)
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

// manyNames repeats a name, since there are not so many.
func manyNames(count int) []string { return slices.Repeat([]string{"getpid"}, count) }

func conditions(count int) []initscript.SeccompArg {
	return slices.Repeat([]initscript.SeccompArg{
		{Index: 5, Width: 64, Mask: 0x7fffffff_7fffffff, Op: initscript.SeccompLess, Value: 2 << 32},
	}, count)
}

func compileRule(names []string, args []initscript.SeccompArg) ([]byte, error) {
	policy := initscript.SeccompPolicy{DefaultAction: initscript.SeccompAllow, Rules: []initscript.SeccompRule{
		{Names: names, Action: initscript.SeccompErrno(unix.EDOM), Args: args},
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
		args  []initscript.SeccompArg
		sent  []string
	}{
		{manyNames(1), conditions(32), []string{"EDOM", "ok", "ok"}},
		{manyNames(1500), conditions(32), []string{"EDOM", "ok", "ok"}},
		{longestList(t), nil, []string{"EDOM", "EDOM", "ok"}},
	} {
		filter, err := compileRule(test.names, test.args)
		must(t, err)
		row := scriptCase{script: seccompCalls + install(luaLiteral(filter)) + matching + other, sent: test.sent}
		t.Run(fmt.Sprintf("%d names, %d conditions", len(test.names), len(test.args)), row.run)
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
		var policyError *initscript.SeccompError
		if !errors.As(err, &policyError) || err.Error() != "seccomp policy: 4097 instructions; the kernel takes at most 4096" || filter != nil {
			t.Fatalf("%d names: %v", count+1, err)
		}
		return manyNames(count)
	}
}

func TestTooManySeccompConditions(t *testing.T) {
	const want = "seccomp policy: 33 conditions; a rule can have at most 32"
	if _, err := compileRule(manyNames(1), conditions(33)); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// What can only be seen of a call through a multiplexer is its number.
func TestSeccompMultiplexers(t *testing.T) {
	allow, errno := initscript.SeccompAllow, initscript.SeccompErrno(unix.EPERM)
	args := []initscript.SeccompArg{{Index: 0, Width: 32, Op: initscript.SeccompEqual, Value: unix.AF_UNIX}}
	rule := func(action initscript.SeccompAction, args []initscript.SeccompArg, names ...string) initscript.SeccompRule {
		return initscript.SeccompRule{Names: names, Action: action, Args: args}
	}
	const (
		blind     = `system call "socket": no args are possible on 386, where it is also made through socketcall, `
		unrefused = blind + "whose arguments are not those (unless an earlier rule refuses that)"
	)
	for _, test := range []struct {
		name  string
		rules []initscript.SeccompRule
		want  string
	}{
		{"without args", []initscript.SeccompRule{rule(errno, nil, "socket", "semop", "mmap", "select")}, ""},
		{"with args", []initscript.SeccompRule{rule(errno, args, "socket")}, unrefused},
		{"allowed with args", []initscript.SeccompRule{rule(allow, args, "socket")}, unrefused},
		{"socketcall is refused before", []initscript.SeccompRule{rule(errno, nil, "socketcall"), rule(allow, args, "socket")}, ""},
		{"socketcall is refused after", []initscript.SeccompRule{rule(allow, args, "socket"), rule(errno, nil, "socketcall")}, unrefused},
		{"socketcall is refused in part", []initscript.SeccompRule{rule(errno, args, "socketcall"), rule(allow, args, "socket")}, unrefused},
		{"socketcall is allowed before", []initscript.SeccompRule{rule(allow, nil, "socketcall"), rule(errno, nil, "socket")},
			`system call "socket": on 386 it is also made through socketcall, for which an earlier rule has "allow"`},
		{"both are allowed", []initscript.SeccompRule{rule(allow, nil, "socketcall"), rule(allow, nil, "socket")}, ""},
		{"a number of socketcall", []initscript.SeccompRule{rule(errno, args, "socketcall"), rule(errno, args, "ipc")}, ""},
		{"old mmap with args", []initscript.SeccompRule{rule(errno, args, "mmap")},
			`system call "mmap": no args are possible on 386, where they are behind a pointer`},
		{"group with args", []initscript.SeccompRule{rule(errno, args, "@launcher")},
			`system call "@launcher": no args are possible on 386, where they are behind a pointer`},
	} {
		policy := initscript.SeccompPolicy{DefaultAction: allow, Rules: test.rules}
		_, err := policy.CompileFor("386")
		if (err == nil) != (test.want == "") || err != nil && err.Error() != "seccomp policy: "+test.want {
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
func TestSeccompMultiplexedCalls(t *testing.T) {
	for through, calls := range multiplexedNames {
		names := map[string]bool{}
		for _, more := range calls {
			for _, name := range more {
				names[name] = true
			}
		}
		for name := range names {
			policy := initscript.SeccompPolicy{DefaultAction: initscript.SeccompAllow, Rules: []initscript.SeccompRule{
				{Names: []string{name}, Action: initscript.SeccompKillProcess},
			}}
			filter, err := policy.CompileFor("386")
			must(t, err)
			vm := interpreter(t, filter)
			for number := range uint32(30) {
				want := uint32(unix.SECCOMP_RET_ALLOW)
				if slices.Contains(calls[number], name) {
					want = unix.SECCOMP_RET_KILL_PROCESS
				}
				data := seccompData{number: uint32(arch.I386.SyscallNames[through]), arch: uint32(arch.I386.ID)}
				data.args[0] = uint64(number)
				if got := verdictOn(t, vm, data); got != want {
					t.Errorf("%s: %s(%d): %#x, want %#x", name, through, number, got, want)
				}
			}
		}
	}
}
