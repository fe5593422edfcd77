//go:build !((linux || freebsd) && cgo)

package initscript

import (
	"fmt"
	"syscall"
)

type SeccompPolicy struct {
	DefaultAction SeccompAction
	Rules         []SeccompRule
}

type SeccompRule struct {
	Names    []string
	Action   SeccompAction
	Args     []SeccompArg
	Optional bool
}

type SeccompArg struct {
	Index int
	Width int
	Mask  uint64
	Op    SeccompOp
	Value uint64
}

type SeccompOp string

const (
	SeccompEqual          SeccompOp = "eq"
	SeccompNotEqual       SeccompOp = "ne"
	SeccompLess           SeccompOp = "lt"
	SeccompLessOrEqual    SeccompOp = "le"
	SeccompGreater        SeccompOp = "gt"
	SeccompGreaterOrEqual SeccompOp = "ge"
)

type SeccompAction uint64

// The values of seccomp(2), above them the bit that tells kill_thread from no action.
const (
	SeccompAllow       SeccompAction = 1<<32 | 0x7fff0000
	SeccompLog         SeccompAction = 1<<32 | 0x7ffc0000
	SeccompTrace       SeccompAction = 1<<32 | 0x7ff00000
	SeccompUserNotif   SeccompAction = 1<<32 | 0x7fc00000
	SeccompTrap        SeccompAction = 1<<32 | 0x00030000
	SeccompKillThread  SeccompAction = 1<<32 | 0x00000000
	SeccompKillProcess SeccompAction = 1<<32 | 0x80000000
)

// The numbers of errno are those of another system here.
func SeccompErrno(errno syscall.Errno) SeccompAction { return 0 }

func (a SeccompAction) String() string { return fmt.Sprintf("SeccompAction(%#x)", uint64(a)) }

type SeccompError struct {
	Line    int
	Syscall string
	Err     error
}

func (e *SeccompError) Error() string { return "seccomp policy: " + e.Err.Error() }
func (e *SeccompError) Unwrap() error { return e.Err }

func ParseSeccompPolicy(text []byte) (*SeccompPolicy, error) {
	return nil, unsupported("ParseSeccompPolicy")
}

func (p *SeccompPolicy) Compile() ([]byte, error) { return nil, unsupported("Compile") }
func (p *SeccompPolicy) CompileFor(goarch string) ([]byte, error) {
	return nil, unsupported("CompileFor")
}
