package seccomp_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/go-initscript/initscript/internal/seccomptest"
	"github.com/go-initscript/initscript/seccomp"
)

// Any text is either refused with a *Error or is a policy, and any policy likewise compiles
// to a program that can be loaded and says what the policy says in the plain way.
func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte("default_action: allow\nrules:\n- {names: [read, write], action: {errno: EPERM}}"))
	f.Add([]byte("default_action: {errno: 38}\nrules:\n- names: [ioctl]\n  optional: true\n  " +
		"action: log\n  args:\n" +
		"  - {arg: 1, width: 32, mask: 0xff, le: 0x12}\n  - {arg: 2, width: 64, mask: " +
		"0x100000000, ne: 0}"))
	f.Add([]byte("default_action: &a [*a]\nrules: !!set {? x}\n<<: {}"))
	f.Add([]byte("default_action: trap\nrules:\n- {names: ['@go-runtime', socket], action: allow}\n" +
		"- {names: [clone], action: log, args: [{arg: 0, width: 64, mask: 0x20000, eq: 0x20000}, " +
		"{arg: 1, width: 32, gt: 7}]}"))
	for _, row := range policyErrors {
		f.Add([]byte(row.text))
	}
	refused := func(t *testing.T, err error) {
		var policyError *seccomp.Error
		if !errors.As(err, &policyError) {
			t.Fatalf("error %v of type %T", err, err)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		policy, err := seccomp.ParsePolicy(text)
		if err != nil {
			refused(t, err)
			return
		}
		for goarch, info := range seccomptest.Archs {
			filter, err := policy.CompileFor(goarch)
			if err != nil {
				refused(t, err)
				continue
			}
			if len(filter) > 4096*8 {
				t.Fatalf("%d bytes", len(filter))
			}
			vm := seccomptest.Load(t, filter)
			for _, number := range []uint32{0, 16, seccomptest.X32} {
				data := seccomptest.Data{Number: number, Arch: uint32(info.ID),
					Args: [6]uint64{1, 0x12, 1 << 32}}
				vm.Verdict(t, data)
			}
			compareWithPolicy(t, policy, goarch, vm)
		}
	})
}

// compareWithPolicy tries the calls that the policy is about, with arguments near to what it compares.
func compareWithPolicy(t *testing.T, policy *seccomp.Policy, goarch string, vm seccomptest.Filter) {
	info := seccomptest.Archs[goarch]
	names, values := []string{"getpid", "socketcall", "ipc"}, []uint64{0, 1, 1 << 32}
	for _, rule := range policy.Rules {
		for _, name := range rule.Names {
			names = append(append(names, name), seccomp.MembersOf(name)...)
		}
		for _, arg := range rule.Args {
			values = append(values, arg.Value, arg.Value+1, arg.Value-1, arg.Value|1<<32,
				arg.Value^arg.Mask)
		}
	}
	r := rand.New(rand.NewPCG(uint64(len(names)), uint64(len(values))))
	for range 300 {
		name := names[r.IntN(len(names))]
		number, known := info.SyscallNames[name]
		if !known {
			continue
		}
		data := seccomptest.Data{Number: uint32(number), Arch: uint32(info.ID)}
		for i := range data.Args {
			data.Args[i] = values[r.IntN(len(values))]
		}
		if multiplexedNames[name] != nil {
			data.Args[0] = uint64(r.IntN(26))
		}
		want := expected(policy, goarch, name, data.Args)
		if got := vm.Verdict(t, data); got != want {
			t.Fatalf("%s: %s%#x: %#x, want %#x\n%+v", goarch, name, data.Args, got, want, policy)
		}
	}
}
