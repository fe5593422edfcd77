package initscript_test

import (
	"errors"
	"testing"

	"github.com/go-initscript/initscript"
)

// Any text is either refused with a *SeccompError or is a policy, and any policy likewise compiles
// to a program that can be loaded.
func FuzzParseSeccompPolicy(f *testing.F) {
	f.Add([]byte("default_action: allow\nrules:\n- {names: [read, write], action: {errno: EPERM}}"))
	f.Add([]byte("default_action: {errno: 38}\nrules:\n- names: [ioctl]\n  optional: true\n  action: log\n  args:\n" +
		"  - {arg: 1, width: 32, mask: 0xff, le: 0x12}\n  - {arg: 2, width: 64, mask: 0x1_00000000, ne: 0}"))
	f.Add([]byte("default_action: &a [*a]\nrules: !!set {? x}\n<<: {}"))
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
		}
	})
}
