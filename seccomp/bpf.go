package seccomp

import (
	"encoding/binary"
	"fmt"
	"slices"

	"golang.org/x/net/bpf"
)

// Offsets in struct seccomp_data.
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArgs   = 16
)

const (
	maxSkip          = 255  // of a conditional jump
	maxInstructions  = 4096 // the kernel's BPF_MAXINSNS
	argInstructions  = 7    // at most, for one condition
	maxConditions    = 32   // so that all conditions of a rule can be jumped over
	maxOwnConditions = 3    // of a group and of a multiplexer, beside those
	ruleInstructions = 2    // beside the names and the conditions
)

// The skips of a rule fit in 8 bits.
const _ = uint(maxSkip - ((maxConditions+maxOwnConditions)*argInstructions + ruleInstructions))

var loadNumber = bpf.LoadAbsolute{Off: offsetNumber, Size: 4}

// compile makes the program. Each of its parts begins with the system call's number in the
// accumulator and ends, when it has no verdict, with it there again, at the end of the part.
func (p *Policy) compile(goarch string) ([]byte, error) {
	target, err := newTarget(goarch)
	if err != nil {
		return nil, &Error{Err: err}
	}
	program := prologue(target)
	for _, rule := range p.Rules {
		matches, err := target.matches(&rule)
		if err != nil {
			return nil, err
		}
		for _, match := range matches {
			program = append(program, match.compile()...)
		}
	}
	program = append(program, verdict(p.DefaultAction))
	if len(program) > maxInstructions {
		err := fmt.Errorf("%d instructions; the kernel takes at most %d", len(program), maxInstructions)
		return nil, &Error{Err: err}
	}
	return encode(program)
}

func encode(program []bpf.Instruction) ([]byte, error) {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return nil, &Error{Err: err}
	}
	var bytes []byte
	for _, i := range raw {
		bytes = binary.LittleEndian.AppendUint16(bytes, i.Op)
		bytes = append(bytes, i.Jt, i.Jf)
		bytes = binary.LittleEndian.AppendUint32(bytes, i.K)
	}
	return bytes, nil
}

// prologue kills a process that enters the kernel in the way of another architecture, where the
// numbers mean something else, and refuses the numbers that are not in the table: system calls
// that are newer, holes, and all of x32.
func prologue(t *target) []bpf.Instruction {
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: offsetArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: architectures[t.column].audit, SkipTrue: 1},
		verdict(KillProcess),
		loadNumber,
	}
	ranges := numberRanges(t.numbers())
	for i, r := range ranges {
		rest := uint8(2 * (len(ranges) - 1 - i)) // tests that follow this range's
		program = append(program,
			bpf.JumpIf{Cond: bpf.JumpLessThan, Val: r.first, SkipTrue: rest + 1},
			bpf.JumpIf{Cond: bpf.JumpLessOrEqual, Val: r.last, SkipTrue: rest + 1})
	}
	return append(program, verdict(retErrno|enosys))
}

type numberRange struct{ first, last uint32 }

// numberRanges joins numbers, which are in order.
func numberRanges(numbers []uint32) []numberRange {
	var ranges []numberRange
	for _, number := range numbers {
		end := len(ranges) - 1
		if end >= 0 && ranges[end].last+1 == number {
			ranges[end].last = number
		} else {
			ranges = append(ranges, numberRange{number, number})
		}
	}
	return ranges
}

// callMatch has the decision of a rule about some numbers.
type callMatch struct {
	numbers []uint32
	args    []Condition
	action  Action
}

// compile gives the numbers the verdict if the conditions hold:
//
//	jump to the conditions if the number is this, or that, ...; otherwise to the end
//	conditions; each jumps to the last load if it does not hold
//	verdict
//	load the number again, if there are conditions
func (m *callMatch) compile() []bpf.Instruction {
	body := []bpf.Instruction{verdict(m.action)}
	for _, arg := range slices.Backward(m.args) {
		body = append(arg.compile(uint8(len(body))), body...)
	}
	if len(m.args) > 0 {
		body = append(body, loadNumber)
	}
	var program []bpf.Instruction
	for chunk := range slices.Chunk(m.numbers, maxSkip+1) {
		for i, number := range chunk {
			test := bpf.JumpIf{Cond: bpf.JumpEqual, Val: number, SkipTrue: uint8(len(chunk) - 1 - i)}
			if test.SkipTrue == 0 {
				test.SkipFalse = uint8(len(body))
			}
			program = append(program, test)
		}
		program = append(program, body...)
	}
	return program
}

// lowerTest compares what an argument and a value have in the lower halves.
func (o Op) lowerTest() bpf.JumpTest {
	switch o {
	case Equal:
		return bpf.JumpEqual
	case NotEqual:
		return bpf.JumpNotEqual
	case Less:
		return bpf.JumpLessThan
	case LessOrEqual:
		return bpf.JumpLessOrEqual
	case Greater:
		return bpf.JumpGreaterThan
	case GreaterOrEqual:
		return bpf.JumpGreaterOrEqual
	}
	panic("unknown comparison " + o) // check has refused it
}

// compile continues at its end if the condition holds, otherwise rest instructions further.
func (a *Condition) compile(rest uint8) []bpf.Instruction {
	code := append(a.load(0), bpf.JumpIf{Cond: a.Op.lowerTest(), Val: uint32(a.Value), SkipFalse: rest})
	if a.Width == 32 {
		return code
	}
	// The lower halves decide only where the upper ones are equal.
	holds := func() uint8 { return uint8(len(code)) }
	fails := func() uint8 { return uint8(len(code)) + rest }
	upper := func(test bpf.JumpTest, skip uint8) {
		jump := bpf.JumpIf{Cond: test, Val: uint32(a.Value >> 32), SkipTrue: skip}
		code = slices.Insert(code, 0, bpf.Instruction(jump))
	}
	switch a.Op {
	case Equal:
		upper(bpf.JumpNotEqual, fails())
	case NotEqual:
		upper(bpf.JumpNotEqual, holds())
	case Less, LessOrEqual:
		upper(bpf.JumpNotEqual, fails())
		upper(bpf.JumpLessThan, holds())
	case Greater, GreaterOrEqual:
		upper(bpf.JumpNotEqual, fails())
		upper(bpf.JumpGreaterThan, holds())
	}
	return append(a.load(32), code...)
}

// load loads the masked half of the argument that begins at the given bit.
func (a *Condition) load(bit uint32) []bpf.Instruction {
	load := []bpf.Instruction{bpf.LoadAbsolute{Off: offsetArgs + uint32(a.Arg)*8 + bit/8, Size: 4}}
	if mask := uint32(a.mask() >> bit); mask != ^uint32(0) {
		load = append(load, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask})
	}
	return load
}

func verdict(action Action) bpf.Instruction { return bpf.RetConstant{Val: uint32(action)} }
