package seccomp

import (
	"errors"
	"fmt"
	"runtime"
)

// Policy says what happens to each system call of a process: the text form of a seccomp filter, or the
// same as Go values. docs/reference/seccomp.md describes both, and what the compiled filter does beside
// the rules.
type Policy struct {
	// DefaultAction is for the system calls that no rule matches.
	DefaultAction Action

	// Rules are tried in order; the first that matches decides.
	Rules []Rule
}

// Rule matches a system call that has one of the names, if all conditions on the arguments hold. A name
// may be that of a group; docs/reference/seccomp.md says of which system calls it lets through a part
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
	Arg int // the number of the argument, 0 to 5

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

// Action is what happens to a system call; see seccomp(2). The zero value is none of them, and an error
// in a policy.
type Action uint64

// The actions, beside those of [Errno].
const (
	Allow       Action = actionSet | retAllow
	Log         Action = actionSet | retLog       // allow, and write to the audit log; since Linux 4.14
	Trace       Action = actionSet | retTrace     // to the tracer; ENOSYS without one
	UserNotif   Action = actionSet | retUserNotif // to the listener; ENOSYS without one; since Linux 5.0
	Trap        Action = actionSet | retTrap      // SIGSYS, which can be caught
	KillThread  Action = actionSet | retKillThread
	KillProcess Action = actionSet | retKillProcess // as SIGSYS does; since Linux 4.14

	actionSet = 1 << 32 // the kernel's kill_thread is 0
)

var actionNames = [...]struct {
	name   string
	action Action
}{
	{"allow", Allow},
	{"log", Log},
	{"trace", Trace},
	{"user_notif", UserNotif},
	{"trap", Trap},
	{"kill_thread", KillThread},
	{"kill_process", KillProcess},
}

// actionNamed returns the action that the text of a policy has under the name.
func actionNamed(name string) (action Action, known bool) {
	for _, row := range actionNames {
		if row.name == name {
			return row.action, true
		}
	}
	return 0, false
}

// name returns the name of the action in the text of a policy; "" for those that have an errno, and for
// what is no action.
func (a Action) name() string {
	for _, row := range actionNames {
		if row.action == a {
			return row.name
		}
	}
	return ""
}

// errno returns the number that the system call fails with, by Linux's numbers.
func (a Action) errno() (number uint16, ok bool) {
	number = uint16(a - (actionSet | retErrno))
	return number, a-(actionSet|retErrno) <= maxErrno
}

func (a Action) valid() bool {
	_, isErrno := a.errno()
	return isErrno || a.name() != ""
}

// String returns the action as in the text of a policy.
func (a Action) String() string {
	if number, ok := a.errno(); ok {
		if name := errnoName(number); name != "" {
			return "errno: " + name
		}
		return fmt.Sprintf("errno: %d", number)
	}
	if name := a.name(); name != "" {
		return name
	}
	return fmt.Sprintf("Action(%#x)", uint64(a))
}

// An Error says what is wrong in a seccomp policy.
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

// Unwrap returns what is wrong, without the place.
func (e *Error) Unwrap() error { return e.Err }

// Compile returns the filter for the architecture of this program, as the bytes that the script's
// C.seccomp_set_mode_filter takes, on whatever system. Errors: *[Error].
func (p *Policy) Compile() ([]byte, error) {
	return p.CompileFor(runtime.GOARCH)
}

// CompileFor is like Compile, for another architecture: "386", "amd64", "arm" or "arm64". A name that
// the architecture does not have is an error unless the rule is Optional. Errors: *[Error].
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
	case len(r.Args) > maxConditions:
		err = fmt.Errorf("%d conditions; a rule can have at most %d", len(r.Args), maxConditions)
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
	switch {
	case a.Arg < 0 || a.Arg > 5:
		return fmt.Errorf("argument %d: not in 0 to 5", a.Arg)
	case a.Width != 32 && a.Width != 64:
		return fmt.Errorf("width %d: must be 32 or 64", a.Width)
	case !a.Op.known():
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
