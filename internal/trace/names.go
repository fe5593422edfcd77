//go:build (linux || freebsd) && cgo

package trace

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"sync"
)

// A Constant is one number of the table C of scripts.
type Constant struct {
	Name  string
	Value int64
}

// Constants is set by package initscript. It returns the numbers of the table C in their order.
var Constants func() []Constant

// family is a set of constants that one kind of argument takes.
type family struct {
	prefixes []string
	except   []string // prefixes of other families
	choice   uint64   // of these bits, one value is chosen; all others are flags

	once    sync.Once
	members []Constant // those with more bits first: O_TMPFILE has the bit of O_DIRECTORY
}

const chooseOne = ^uint64(0)

func (f *family) load() {
	hasPrefix := func(name string, prefixes []string) bool {
		return slices.ContainsFunc(prefixes,
			func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	}
	for _, c := range Constants() {
		if hasPrefix(c.Name, f.prefixes) && !hasPrefix(c.Name, f.except) {
			f.members = append(f.members, c)
		}
	}
	slices.SortStableFunc(f.members, func(a, b Constant) int {
		return cmp.Compare(bits.OnesCount64(uint64(b.Value)), bits.OnesCount64(uint64(a.Value)))
	})
}

// text returns the names of what is in value, and what has no name as a number.
func (f *family) text(value int64) string {
	f.once.Do(f.load)
	for _, c := range f.members { // also negative ones: AT_FDCWD
		if c.Value == value && (f.choice == chooseOne || value < 0) {
			return c.Name
		}
	}
	if f.choice == chooseOne {
		return fmt.Sprint(value)
	}
	rest := uint64(value)
	if value < 0 { // bit.bor() makes signed numbers of 32 bits
		rest = uint64(uint32(value))
	}
	var names []string
	for _, c := range f.members {
		if f.choice != 0 && uint64(c.Value)&^f.choice == 0 && uint64(c.Value) == rest&f.choice {
			names = append(names, c.Name)
			rest &^= f.choice
			break
		}
	}
	for _, c := range f.members {
		flag := uint64(c.Value)
		if flag != 0 && flag&f.choice == 0 && rest&flag == flag {
			names = append(names, c.Name)
			rest &^= flag
		}
	}
	if rest != 0 || len(names) == 0 {
		names = append(names, flagNumber(rest))
	}
	return strings.Join(names, "|")
}

func flagNumber(value uint64) string {
	if value < 10 {
		return fmt.Sprint(value)
	}
	return fmt.Sprintf("%#x", value)
}

// These are the families that are asked for by name; see families for what they are.
var (
	openFlags       = families["OpenFlags"]
	accessModes     = families["AccessMode"]
	fileTypes       = families["NodeMode"]
	directories     = families["DirFD"]
	securebitFlags  = families["SecureBits"]
	socketDomains   = families["SocketDomain"]
	protocols       = families["Protocol"]
	fcntlCommands   = families["FcntlCommand"]
	descriptorFlags = families["DescriptorFlags"]
	seals           = families["Seals"]
	mdweFlags       = families["MDWEFlags"]
	signals         = families["Signal"]
)
