package seccomp

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// architectures are those whose system calls are known, in the order of their numbers in [syscalls]. All
// are little-endian.
var architectures = [...]struct {
	goarch string
	audit  uint32 // what a filter sees in struct seccomp_data
	bits   int    // of an argument
}{
	{"386", 0x40000003, 32},
	{"amd64", 0xc000003e, 64},
	{"arm", 0x40000028, 32},
	{"arm64", 0xc00000b7, 64},
}

type multiplexedCall struct {
	name    string
	through string
	mask    uint64
	numbers []uint64
}

// multiplexed are calls that a program of the 386 can also make through a multiplexer, or only so: the
// first argument is the number of the call there. Its other arguments are behind a pointer in
// socketcall(2), and at other places in ipc(2).
var multiplexed = [...]multiplexedCall{
	{"socket", "socketcall", allSocketcall, []uint64{1}},
	{"bind", "socketcall", allSocketcall, []uint64{2}},
	{"connect", "socketcall", allSocketcall, []uint64{3}},
	{"listen", "socketcall", allSocketcall, []uint64{4}},
	{"accept", "socketcall", allSocketcall, []uint64{5}},
	{"getsockname", "socketcall", allSocketcall, []uint64{6}},
	{"getpeername", "socketcall", allSocketcall, []uint64{7}},
	{"socketpair", "socketcall", allSocketcall, []uint64{8}},
	{"send", "socketcall", allSocketcall, []uint64{9}},
	{"recv", "socketcall", allSocketcall, []uint64{10}},
	{"sendto", "socketcall", allSocketcall, []uint64{9, 11}}, // send is sendto without an address
	{"recvfrom", "socketcall", allSocketcall, []uint64{10, 12}},
	{"shutdown", "socketcall", allSocketcall, []uint64{13}},
	{"setsockopt", "socketcall", allSocketcall, []uint64{14}},
	{"getsockopt", "socketcall", allSocketcall, []uint64{15}},
	{"sendmsg", "socketcall", allSocketcall, []uint64{16}},
	{"recvmsg", "socketcall", allSocketcall, []uint64{17}},
	{"accept4", "socketcall", allSocketcall, []uint64{18}},
	{"recvmmsg", "socketcall", allSocketcall, []uint64{19}},
	{"sendmmsg", "socketcall", allSocketcall, []uint64{20}},
	{"semop", "ipc", lowIPC, []uint64{1}},
	{"semget", "ipc", lowIPC, []uint64{2}},
	{"semctl", "ipc", lowIPC, []uint64{3}},
	{"semtimedop", "ipc", lowIPC, []uint64{4}},
	{"msgsnd", "ipc", lowIPC, []uint64{11}},
	{"msgrcv", "ipc", lowIPC, []uint64{12}},
	{"msgget", "ipc", lowIPC, []uint64{13}},
	{"msgctl", "ipc", lowIPC, []uint64{14}},
	{"shmat", "ipc", lowIPC, []uint64{21}},
	{"shmdt", "ipc", lowIPC, []uint64{22}},
	{"shmget", "ipc", lowIPC, []uint64{23}},
	{"shmctl", "ipc", lowIPC, []uint64{24}},
}

const (
	allSocketcall = math.MaxUint32
	lowIPC        = 0xffff // the upper half is a version
)

// multiplexer returns how the system call is made through a multiplexer of the 386, or nil.
func multiplexer(name string) *multiplexedCall {
	for i := range multiplexed {
		if multiplexed[i].name == name {
			return &multiplexed[i]
		}
	}
	return nil
}

// hasHiddenArguments reports whether a system call of the 386 takes one pointer to all of its arguments.
func hasHiddenArguments(name string) bool { return name == "mmap" || name == "select" }

// otherNames are system calls that Linux has on architectures that are not in [architectures], or has
// got after their tables were made. Policies that are made for many machines mention them as optional.
const otherNames = " atomic_barrier atomic_cmpxchg_32 breakpoint cachectl cacheflush file_getattr " +
	"file_setattr getdomainname getpagesize kern_features listns memory_ordering multiplexer " +
	"or1k_atomic " +
	"pciconfig_iobase pciconfig_read pciconfig_write riscv_flush_icache riscv_hwprobe rtas " +
	"s390_guarded_storage s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr s390_sthyi " +
	"spu_create " +
	"spu_run subpage_prot swapcontext switch_endian sync_file_range2 sys_debug_setcontext sysmips " +
	"uprobe " +
	"uretprobe utrap_install "

// target is the architecture that a policy is compiled for.
type target struct {
	column int // in architectures and syscalls

	// settled are the numbers that a rule has decided about, whatever the arguments are.
	settled map[uint32]Action
}

func newTarget(goarch string) (*target, error) {
	var known []string
	for column, row := range architectures {
		if row.goarch == goarch {
			return &target{column, map[uint32]Action{}}, nil
		}
		known = append(known, row.goarch)
	}
	return nil, fmt.Errorf("architecture %q is not known (known: %s)", goarch, strings.Join(known, ", "))
}

func (t *target) goarch() string { return architectures[t.column].goarch }

// number returns that of the system call on this architecture.
func (t *target) number(name string) (number uint32, known bool) {
	i, found := findSyscall(name)
	if !found || syscalls[i].numbers[t.column] < 0 {
		return 0, false
	}
	return uint32(syscalls[i].numbers[t.column]), true
}

// numbers returns those that are system calls, in order.
func (t *target) numbers() []uint32 {
	var numbers []uint32
	for _, row := range syscalls {
		if number := row.numbers[t.column]; number >= 0 {
			numbers = append(numbers, uint32(number))
		}
	}
	slices.Sort(numbers)
	return numbers
}

func findSyscall(name string) (index int, found bool) {
	return sort.Find(len(syscalls), func(i int) int { return strings.Compare(name, syscalls[i].name) })
}

// matches returns what the rule says. What is written in it comes before what its groups say.
func (t *target) matches(r *Rule) ([]callMatch, error) {
	if err := t.checkWidths(r); err != nil {
		return nil, err
	}
	whole := callMatch{nil, r.Args, r.Action}
	var parts []callMatch
	for i := range r.Names {
		calls, err := r.calls(i)
		if err != nil {
			return nil, err
		}
		for _, call := range calls {
			found, err := t.find(r, i, call)
			if err != nil {
				return nil, err
			}
			for _, match := range found {
				if len(match.args) == len(r.Args) && match.action == r.Action {
					whole.numbers = append(whole.numbers, match.numbers...)
				} else {
					parts = append(parts, match)
				}
			}
		}
	}
	matches := append([]callMatch{whole}, parts...)
	for _, match := range matches {
		t.settle(match)
	}
	return matches, nil
}

func (t *target) settle(match callMatch) {
	for _, number := range match.numbers {
		if _, already := t.settled[number]; !already && len(match.args) == 0 {
			t.settled[number] = match.action
		}
	}
}

// checkWidths finds the conditions of a text that no argument of 32 bits meets. A rule of a deny-list
// would be without effect.
func (t *target) checkWidths(r *Rule) error {
	for _, arg := range r.Args {
		fits := Condition{Arg: arg.Arg, Width: 64, Op: LessOrEqual, Value: math.MaxUint32}
		if arg.line > 0 && architectures[t.column].bits == 32 && contradict([]Condition{arg, fits}) {
			err := fmt.Errorf("never true on %s, where arguments have 32 bits", t.goarch())
			return &Error{Line: arg.line, Err: err}
		}
	}
	return nil
}

// find returns the ways in which the architecture makes a system call that the name i of the rule stands
// for.
func (t *target) find(r *Rule, i int, call ruledCall) ([]callMatch, error) {
	var matches []callMatch
	if number, known := t.number(call.name); known {
		if len(call.args) > 0 && t.goarch() == "386" && hasHiddenArguments(call.name) {
			err := errors.New("no args are possible on 386, where they are behind a pointer")
			return nil, r.nameError(i, err)
		}
		matches = append(matches, callMatch{[]uint32{number}, call.args, call.action})
	}
	more, err := t.findMultiplexed(r, i, call)
	matches = append(matches, more...)
	switch {
	case err != nil:
		return nil, err
	case len(matches) > 0 || isGroup(r.Names[i]) || t.goarch() == "386" && multiplexer(call.name) != nil:
		return matches, nil
	case !r.Optional:
		return nil, r.nameError(i, fmt.Errorf("not known on %s", t.goarch()))
	case !knownSomewhere(call.name):
		return nil, r.nameError(i, errNoSuchCall)
	}
	return nil, nil
}

// findMultiplexed returns the ways through a multiplexer.
func (t *target) findMultiplexed(r *Rule, i int, call ruledCall) (
	matches []callMatch, err error,
) {
	row := multiplexer(call.name)
	if row == nil || t.goarch() != "386" {
		return nil, nil
	}
	through, _ := t.number(row.through)
	action, settled := t.settled[through]
	switch {
	case settled && (action == call.action || !action.letsThrough()):
		return nil, nil
	case settled:
		return nil, r.nameError(i, fmt.Errorf("on 386 it is also made through %s, for which an earlier "+
			"rule has %q", row.through, action))
	case len(call.args) > 0:
		return nil, r.nameError(i,
			fmt.Errorf("no args are possible on 386, where it is also made through "+
				"%s, whose arguments are not those (unless an earlier rule refuses that)", row.through))
	}
	for _, number := range row.numbers {
		isCall := Condition{Arg: 0, Width: 32, Mask: row.mask, Op: Equal, Value: number}
		matches = append(matches, callMatch{[]uint32{through}, []Condition{isCall}, call.action})
	}
	return matches, nil
}

// knownSomewhere tells a system call that this architecture does not have from a mistake.
func knownSomewhere(name string) bool {
	_, known := findSyscall(name)
	return known || multiplexer(name) != nil || name != "" && strings.Contains(otherNames, " "+name+" ")
}
