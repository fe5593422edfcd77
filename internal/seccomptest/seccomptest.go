// Package seccomptest runs seccomp filters in tests, without the kernel: in the interpreter of
// golang.org/x/net/bpf, and with the system calls that another module knows.
package seccomptest

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
)

// Archs are the architectures that policies are compiled for.
var Archs = map[string]*arch.Info{
	"386": arch.I386, "amd64": arch.X86_64, "arm": arch.ARM, "arm64": arch.AARCH64,
}

// Verdicts, and the numbers of errno that go into them, as on Linux.
const (
	Allow       uint32 = 0x7fff0000
	KillProcess uint32 = 0x80000000
	Errno       uint32 = 0x00050000
	ENOSYS      uint32 = 38
)

// X32 is the bit by which x86-64 tells the system calls of x32.
const X32 = 0x40000000

// Data describes a system call as a filter sees it.
type Data struct {
	Number, Arch uint32
	Args         [6]uint64
}

// bytes returns the struct for the interpreter, which loads in network byte order, as it is where
// the lower half of an argument comes first.
func (d Data) bytes() []byte {
	b := binary.BigEndian.AppendUint32(nil, d.Number)
	b = binary.BigEndian.AppendUint32(b, d.Arch)
	b = append(b, make([]byte, 8)...)
	for _, arg := range d.Args {
		b = binary.BigEndian.AppendUint32(b, uint32(arg))
		b = binary.BigEndian.AppendUint32(b, uint32(arg>>32))
	}
	return b
}

// Filter is one that has been loaded.
type Filter struct{ vm *bpf.VM }

// Load loads a filter into the interpreter, which accepts correct programs only.
func Load(t testing.TB, filter []byte) Filter {
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
	if err != nil {
		t.Fatal(err)
	}
	return Filter{vm}
}

// Verdict returns what the filter says about a system call.
func (f Filter) Verdict(t testing.TB, data Data) uint32 {
	t.Helper()
	verdict, err := f.vm.Run(data.bytes())
	if err != nil {
		t.Fatal(err)
	}
	return uint32(verdict)
}
