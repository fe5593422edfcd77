//go:build linux

package seccomp

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Policy says what happens to each system call of a process: the text form of a seccomp
// filter, or the same as Go values. docs/seccomp.md describes both, and what the compiled filter
// does beside the rules.
type Policy struct {
	// DefaultAction is for the system calls that no rule matches.
	DefaultAction Action

	// Rules are tried in order; the first that matches decides.
	Rules []Rule
}

// Rule matches a system call that has one of the names, if all conditions on the arguments
// hold. A name may be that of a group; docs/seccomp.md says of which system calls it lets through a part
// only.
type Rule struct {
	Names  []string
	Action Action
	Args   []Condition

	// Optional drops the names that the architecture does not have; otherwise they are errors. What no
	// architecture has is an error in any case.
	Optional bool

	line      int   // of the text; 0 when there is none
	nameLines []int // of each name
}

// Condition is a condition on one argument of a system call: (argument & Mask) Op Value, unsigned.
type Condition struct {
	Arg int // 0 to 5

	// Width is how many bits of the argument count, from the lowest: 32 where the system call
	// takes an int, of which the kernel ignores the upper half; 64 for a long or a pointer.
	Width int

	Mask  uint64 // 0 means all bits
	Op    Op
	Value uint64

	line int
}

// Op compares an argument with a value.
type Op string

// The comparisons.
const (
	Equal          Op = "eq"
	NotEqual       Op = "ne"
	Less           Op = "lt"
	LessOrEqual    Op = "le"
	Greater        Op = "gt"
	GreaterOrEqual Op = "ge"
)

// Action is what happens to a system call; see seccomp(2). The zero value is none of them,
// and an error in a policy.
type Action uint64

// The seccompActions, beside those of [Errno].
const (
	Allow       Action = seccompActionSet | unix.SECCOMP_RET_ALLOW
	Log         Action = seccompActionSet | unix.SECCOMP_RET_LOG        // allow, and write to the audit log
	Trace       Action = seccompActionSet | unix.SECCOMP_RET_TRACE      // to the tracer; ENOSYS without one
	UserNotif   Action = seccompActionSet | unix.SECCOMP_RET_USER_NOTIF // to the listener; ENOSYS without one
	Trap        Action = seccompActionSet | unix.SECCOMP_RET_TRAP       // SIGSYS, which can be caught
	KillThread  Action = seccompActionSet | unix.SECCOMP_RET_KILL_THREAD
	KillProcess Action = seccompActionSet | unix.SECCOMP_RET_KILL_PROCESS

	seccompActionSet = 1 << 32 // the kernel's kill_thread is 0
)

// maxErrno is what the kernel cuts larger numbers to.
const maxErrno = 4095

// Errno is the action that makes the system call fail with errno, without an effect. With 0
// it succeeds without an effect. There are no numbers above 4095: they give no valid action.
func Errno(errno syscall.Errno) Action {
	if errno > maxErrno {
		return 0
	}
	return seccompActionSet | unix.SECCOMP_RET_ERRNO | Action(errno)
}

var seccompActions = map[string]Action{
	"allow":        Allow,
	"log":          Log,
	"trace":        Trace,
	"user_notif":   UserNotif,
	"trap":         Trap,
	"kill_thread":  KillThread,
	"kill_process": KillProcess,
}

// errno returns the errno of Errno.
func (a Action) errno() (errno syscall.Errno, ok bool) {
	number := a - Errno(0)
	return syscall.Errno(number), number <= maxErrno
}

// String returns the action as in the text of a policy.
func (a Action) String() string {
	if errno, ok := a.errno(); ok {
		if name := unix.ErrnoName(errno); name != "" {
			return "errno: " + name
		}
		return fmt.Sprintf("errno: %d", int(errno))
	}
	for name, action := range seccompActions {
		if a == action {
			return name
		}
	}
	return fmt.Sprintf("Action(%#x)", uint64(a))
}

// A Error says what is wrong in a seccomp policy.
type Error struct {
	Line    int    // of the text; 0 when not known
	Syscall string // the name that is not known; "" when something else is wrong
	Err     error
}

func (e *Error) Error() string {
	text := "seccomp policy: "
	if e.Line > 0 {
		text += fmt.Sprintf("line %d: ", e.Line)
	}
	if e.Syscall != "" {
		text += fmt.Sprintf("system call %q: ", e.Syscall)
	}
	return text + e.Err.Error()
}
func (e *Error) Unwrap() error { return e.Err }

// Compile returns the filter for the architecture of this program, as the bytes that the script's
// C.seccomp_set_mode_filter takes. Errors: *Error.
func (p *Policy) Compile() ([]byte, error) {
	return p.CompileFor(runtime.GOARCH)
}

// CompileFor is like Compile, for another architecture: "386", "amd64", "arm" or "arm64".
func (p *Policy) CompileFor(goarch string) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return p.compile(goarch)
}

// check finds what is wrong on every architecture.
func (p *Policy) check() error {
	if !p.DefaultAction.valid() {
		return &Error{Err: errors.New("no default_action is given")}
	}
	for _, rule := range p.Rules {
		if err := rule.check(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rule) check() error {
	var err error
	switch {
	case !r.Action.valid():
		err = errors.New("the rule has no action")
	case len(r.Names) == 0:
		err = errors.New("the rule has no names")
	case len(r.Args) > maxSeccompArgs:
		err = fmt.Errorf("%d conditions; a rule can have at most %d", len(r.Args), maxSeccompArgs)
	}
	if err != nil {
		return &Error{Line: r.line, Err: err}
	}
	for _, arg := range r.Args {
		if err := arg.check(); err != nil {
			return &Error{Line: arg.line, Err: err}
		}
	}
	return nil
}

func (a *Condition) check() error {
	_, known := seccompTests[a.Op]
	switch {
	case a.Arg < 0 || a.Arg > 5:
		return fmt.Errorf("argument %d: not in 0 to 5", a.Arg)
	case a.Width != 32 && a.Width != 64:
		return fmt.Errorf("width %d: must be 32 or 64", a.Width)
	case !known:
		return fmt.Errorf("unknown comparison %q", a.Op)
	case a.Mask > a.allBits():
		return fmt.Errorf("mask %#x: does not fit in %d bits", a.Mask, a.Width)
	case a.Value > a.allBits():
		return fmt.Errorf("value %#x: does not fit in %d bits", a.Value, a.Width)
	case a.Value&^a.mask() != 0:
		return fmt.Errorf("value %#x: has bits that are not in mask %#x", a.Value, a.Mask)
	}
	return nil
}

func (a *Condition) allBits() uint64 { return 1<<a.Width - 1 }

func (a *Condition) mask() uint64 {
	if a.Mask == 0 {
		return a.allBits()
	}
	return a.Mask
}

func (a Action) valid() bool {
	if _, isErrno := a.errno(); isErrno {
		return true
	}
	for _, action := range seccompActions {
		if a == action {
			return true
		}
	}
	return false
}
