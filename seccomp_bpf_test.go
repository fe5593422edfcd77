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
	names  []string
	values []uint64
}

func newPolicyGenerator(seed uint64, info *arch.Info) *policyGenerator {
	g := &policyGenerator{
		Rand:   rand.New(rand.NewPCG(seed, 0)),
		names:  slices.Sorted(maps.Keys(info.SyscallNames)),
		values: []uint64{0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 32, 1<<32 + 1, 5<<32 + 5, 1 << 63, 1<<64 - 1},
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
		policy.Rules = append(policy.Rules, rule)
	}
	return policy
}

// expected is what the policy says, in the plain way.
func expected(policy *initscript.SeccompPolicy, name string, args [6]uint64) uint32 {
	for _, rule := range policy.Rules {
		if slices.Contains(rule.Names, name) && !slices.ContainsFunc(rule.Args, func(arg initscript.SeccompArg) bool {
			return !holds(arg, args[arg.Index])
		}) {
			return uint32(rule.Action)
		}
	}
	return uint32(policy.DefaultAction)
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
			g := newPolicyGenerator(seed, info)
			policy := g.policy()
			filter, err := policy.CompileFor(goarch)
			must(t, err)
			vm := interpreter(t, filter)
			for range 200 {
				name := pick(g, g.names)
				if len(policy.Rules) > 0 && g.IntN(2) == 0 {
					name = pick(g, pick(g, policy.Rules).Names)
				}
				data := seccompData{number: uint32(info.SyscallNames[name]), arch: uint32(info.ID)}
				for i := range data.args {
					data.args[i] = pick(g, g.values) + pick(g, []uint64{0, 0, 1, 1<<64 - 1})
				}
				want := expected(policy, name, data.args)
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
