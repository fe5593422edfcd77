//go:build linux

package seccomp

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// multiplexed are calls that a program of the 386 can also make through a multiplexer, or only so: the
// first argument is the number of the call there. Its other arguments are behind a pointer in
// socketcall(2), and at other places in ipc(2).
var multiplexed = map[string]struct {
	through string
	mask    uint64
	numbers []uint64
}{
	"socket":      {"socketcall", allSocketcall, []uint64{1}},
	"bind":        {"socketcall", allSocketcall, []uint64{2}},
	"connect":     {"socketcall", allSocketcall, []uint64{3}},
	"listen":      {"socketcall", allSocketcall, []uint64{4}},
	"accept":      {"socketcall", allSocketcall, []uint64{5}},
	"getsockname": {"socketcall", allSocketcall, []uint64{6}},
	"getpeername": {"socketcall", allSocketcall, []uint64{7}},
	"socketpair":  {"socketcall", allSocketcall, []uint64{8}},
	"send":        {"socketcall", allSocketcall, []uint64{9}},
	"recv":        {"socketcall", allSocketcall, []uint64{10}},
	"sendto":      {"socketcall", allSocketcall, []uint64{9, 11}}, // send is sendto without an address
	"recvfrom":    {"socketcall", allSocketcall, []uint64{10, 12}},
	"shutdown":    {"socketcall", allSocketcall, []uint64{13}},
	"setsockopt":  {"socketcall", allSocketcall, []uint64{14}},
	"getsockopt":  {"socketcall", allSocketcall, []uint64{15}},
	"sendmsg":     {"socketcall", allSocketcall, []uint64{16}},
	"recvmsg":     {"socketcall", allSocketcall, []uint64{17}},
	"accept4":     {"socketcall", allSocketcall, []uint64{18}},
	"recvmmsg":    {"socketcall", allSocketcall, []uint64{19}},
	"sendmmsg":    {"socketcall", allSocketcall, []uint64{20}},
	"semop":       {"ipc", lowIPC, []uint64{1}},
	"semget":      {"ipc", lowIPC, []uint64{2}},
	"semctl":      {"ipc", lowIPC, []uint64{3}},
	"semtimedop":  {"ipc", lowIPC, []uint64{4}},
	"msgsnd":      {"ipc", lowIPC, []uint64{11}},
	"msgrcv":      {"ipc", lowIPC, []uint64{12}},
	"msgget":      {"ipc", lowIPC, []uint64{13}},
	"msgctl":      {"ipc", lowIPC, []uint64{14}},
	"shmat":       {"ipc", lowIPC, []uint64{21}},
	"shmdt":       {"ipc", lowIPC, []uint64{22}},
	"shmget":      {"ipc", lowIPC, []uint64{23}},
	"shmctl":      {"ipc", lowIPC, []uint64{24}},
}

const (
	allSocketcall = math.MaxUint32
	lowIPC        = 0xffff // the upper half is a version
)

// hiddenArguments are system calls of the 386 that take one pointer to all of their arguments.
var hiddenArguments = map[string]bool{"mmap": true, "select": true}

// otherNames are system calls that Linux has on architectures that are not in [archs], or has
// got after their tables were made. Policies that are made for many machines mention them as optional.
const otherNames = " atomic_barrier atomic_cmpxchg_32 breakpoint cachectl cacheflush file_getattr " +
	"file_setattr getdomainname getpagesize kern_features listns memory_ordering multiplexer or1k_atomic " +
	"pciconfig_iobase pciconfig_read pciconfig_write riscv_flush_icache riscv_hwprobe rtas " +
	"s390_guarded_storage s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr s390_sthyi spu_create " +
	"spu_run subpage_prot swapcontext switch_endian sync_file_range2 sys_debug_setcontext sysmips uprobe " +
	"uretprobe utrap_install "

// target is the architecture that a policy is compiled for.
type target struct {
	*arch.Info
	goarch string

	// settled are the numbers that a rule has decided about, whatever the arguments are.
	settled map[uint32]Action
}

// has32Bits tells whether that is the size of an argument.
func (t *target) has32Bits() bool { return t.goarch == "386" || t.goarch == "arm" }

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
		if arg.line > 0 && t.has32Bits() && contradict([]Condition{arg, fits}) {
			err := fmt.Errorf("never true on %s, where arguments have 32 bits", t.goarch)
			return &Error{Line: arg.line, Err: err}
		}
	}
	return nil
}

// find returns the ways in which the architecture makes a system call that the name i of the rule stands
// for.
func (t *target) find(r *Rule, i int, call ruledCall) ([]callMatch, error) {
	var matches []callMatch
	if number, known := t.SyscallNames[call.name]; known {
		if len(call.args) > 0 && t.goarch == "386" && hiddenArguments[call.name] {
			err := errors.New("no args are possible on 386, where they are behind a pointer")
			return nil, r.nameError(i, err)
		}
		matches = append(matches, callMatch{[]uint32{uint32(number)}, call.args, call.action})
	}
	more, err := t.findMultiplexed(r, i, call)
	matches = append(matches, more...)
	switch {
	case err != nil:
		return nil, err
	case len(matches) > 0 || isGroup(r.Names[i]) || t.isMultiplexed(call.name):
		return matches, nil
	case !r.Optional:
		return nil, r.nameError(i, fmt.Errorf("not known on %s", t.goarch))
	case !knownSomewhere(call.name):
		return nil, r.nameError(i, errNoSuchCall)
	}
	return nil, nil
}

func (t *target) isMultiplexed(name string) bool {
	_, is := multiplexed[name]
	return is && t.goarch == "386"
}

func (t *target) findMultiplexed(r *Rule, i int, call ruledCall) (
	matches []callMatch, err error,
) {
	if !t.isMultiplexed(call.name) {
		return nil, nil
	}
	row := multiplexed[call.name]
	through := uint32(t.SyscallNames[row.through])
	action, settled := t.settled[through]
	switch {
	case settled && (action == call.action || !action.letsThrough()):
		return nil, nil
	case settled:
		return nil, r.nameError(i, fmt.Errorf("on 386 it is also made through %s, for which an earlier "+
			"rule has %q", row.through, action))
	case len(call.args) > 0:
		return nil, r.nameError(i, fmt.Errorf("no args are possible on 386, where it is also made through "+
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
	for _, info := range archs {
		if _, known := info.SyscallNames[name]; known {
			return true
		}
	}
	_, known := multiplexed[name]
	return known || name != "" && strings.Contains(otherNames, " "+name+" ")
}
