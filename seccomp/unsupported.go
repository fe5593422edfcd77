//go:build !linux

package seccomp

import (
	"errors"
	"fmt"
	"syscall"
)

type Policy struct {
	DefaultAction Action
	Rules         []Rule
}

type Rule struct {
	Names    []string
	Action   Action
	Args     []Condition
	Optional bool
}

type Condition struct {
	Arg   int
	Width int
	Mask  uint64
	Op    Op
	Value uint64
}

type Op string

const (
	Equal          Op = "eq"
	NotEqual       Op = "ne"
	Less           Op = "lt"
	LessOrEqual    Op = "le"
	Greater        Op = "gt"
	GreaterOrEqual Op = "ge"
)

type Action uint64

// The values of seccomp(2), above them the bit that tells kill_thread from no action.
const (
	Allow       Action = 1<<32 | 0x7fff0000
	Log         Action = 1<<32 | 0x7ffc0000
	Trace       Action = 1<<32 | 0x7ff00000
	UserNotif   Action = 1<<32 | 0x7fc00000
	Trap        Action = 1<<32 | 0x00030000
	KillThread  Action = 1<<32 | 0x00000000
	KillProcess Action = 1<<32 | 0x80000000
)

// The numbers of errno are those of another system here.
func Errno(errno syscall.Errno) Action { return 0 }

func (a Action) String() string { return fmt.Sprintf("Action(%#x)", uint64(a)) }

type Error struct {
	Line    int
	Syscall string
	Err     error
}

func (e *Error) Error() string { return "seccomp policy: " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func ParsePolicy(text []byte) (*Policy, error) {
	return nil, fmt.Errorf("ParsePolicy: %w", errors.ErrUnsupported)
}

func (p *Policy) Compile() ([]byte, error) {
	return nil, fmt.Errorf("Compile: %w", errors.ErrUnsupported)
}
func (p *Policy) CompileFor(goarch string) ([]byte, error) {
	return nil, fmt.Errorf("CompileFor: %w", errors.ErrUnsupported)
}
