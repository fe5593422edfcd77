package initscript_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/net/bpf"
)

// Any text is either refused with a *SeccompError or is a policy, and any policy likewise compiles
// to a program that can be loaded and says what the policy says in the plain way.
func FuzzParseSeccompPolicy(f *testing.F) {
	f.Add([]byte("default_action: allow\nrules:\n- {names: [read, write], action: {errno: EPERM}}"))
	f.Add([]byte("default_action: {errno: 38}\nrules:\n- names: [ioctl]\n  optional: true\n  action: log\n  args:\n" +
		"  - {arg: 1, width: 32, mask: 0xff, le: 0x12}\n  - {arg: 2, width: 64, mask: 0x100000000, ne: 0}"))
	f.Add([]byte("default_action: &a [*a]\nrules: !!set {? x}\n<<: {}"))
	f.Add([]byte("default_action: trap\nrules:\n- {names: ['@go-runtime', socket], action: allow}\n" +
		"- {names: [clone], action: log, args: [{arg: 0, width: 64, mask: 0x20000, eq: 0x20000}, " +
		"{arg: 1, width: 32, gt: 7}]}"))
	for _, row := range policyErrors {
		f.Add([]byte(row.text))
	}
	refused := func(t *testing.T, err error) {
		var policyError *initscript.SeccompError
		if !errors.As(err, &policyError) {
			t.Fatalf("error %v of type %T", err, err)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		policy, err := initscript.ParseSeccompPolicy(text)
		if err != nil {
			refused(t, err)
			return
		}
		for goarch, info := range seccompArchs {
			filter, err := policy.CompileFor(goarch)
			if err != nil {
				refused(t, err)
				continue
			}
			if len(filter) > 4096*8 {
				t.Fatalf("%d bytes", len(filter))
			}
			vm := interpreter(t, filter)
			for _, number := range []uint32{0, 16, x32Bit} {
				data := seccompData{number: number, arch: uint32(info.ID), args: [6]uint64{1, 0x12, 1 << 32}}
				verdictOn(t, vm, data)
			}
			compareWithPolicy(t, policy, goarch, vm)
		}
	})
}

// compareWithPolicy tries the calls that the policy is about, with arguments near to what it compares.
func compareWithPolicy(t *testing.T, policy *initscript.SeccompPolicy, goarch string, vm *bpf.VM) {
	info := seccompArchs[goarch]
	names, values := []string{"getpid", "socketcall", "ipc"}, []uint64{0, 1, 1 << 32}
	for _, rule := range policy.Rules {
		for _, name := range rule.Names {
			names = append(append(names, name), initscript.SeccompGroups[name]...)
		}
		for _, arg := range rule.Args {
			values = append(values, arg.Value, arg.Value+1, arg.Value-1, arg.Value|1<<32, arg.Value^arg.Mask)
		}
	}
	r := rand.New(rand.NewPCG(uint64(len(names)), uint64(len(values))))
	for range 300 {
		name := names[r.IntN(len(names))]
		number, known := info.SyscallNames[name]
		if !known {
			continue
		}
		data := seccompData{number: uint32(number), arch: uint32(info.ID)}
		for i := range data.args {
			data.args[i] = values[r.IntN(len(values))]
		}
		if multiplexedNames[name] != nil {
			data.args[0] = uint64(r.IntN(26))
		}
		want := expected(policy, goarch, name, data.args)
		if got := verdictOn(t, vm, data); got != want {
			t.Fatalf("%s: %s%#x: %#x, want %#x\n%+v", goarch, name, data.args, got, want, policy)
		}
	}
}
