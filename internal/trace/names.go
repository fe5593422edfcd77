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

// family is a set of constants that one argument takes.
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
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
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

var (
	openFlags        = &family{prefixes: []string{"O_"}, choice: 3}
	accessModes      = &family{prefixes: []string{"F_OK", "R_OK", "W_OK", "X_OK"}}
	fileTypes        = &family{prefixes: []string{"S_IFCHR", "S_IFBLK"}, choice: 0o170000}
	mountFlags       = &family{prefixes: []string{"MS_"}}
	umountFlags      = &family{prefixes: []string{"MNT_", "UMOUNT_"}}
	namespaceFlags   = &family{prefixes: []string{"CLONE_NEW"}}
	securebitFlags   = &family{prefixes: []string{"SECBIT_"}}
	directories      = &family{prefixes: []string{"AT_FDCWD"}, choice: chooseOne}
	atFlags          = &family{prefixes: []string{"AT_"}, except: []string{"AT_FDCWD"}}
	resolveFlags     = &family{prefixes: []string{"RESOLVE_"}}
	renameFlags      = &family{prefixes: []string{"RENAME_"}}
	socketDomains    = &family{prefixes: []string{"AF_"}, choice: chooseOne}
	socketTypes      = &family{prefixes: []string{"SOCK_"}, choice: 0xf}
	protocols        = &family{prefixes: []string{"IPPROTO_"}, choice: chooseOne}
	backlogs         = &family{prefixes: []string{"SOMAXCONN"}, choice: chooseOne}
	fsopenFlags      = &family{prefixes: []string{"FSOPEN_"}}
	fsmountFlags     = &family{prefixes: []string{"FSMOUNT_"}}
	fspickFlags      = &family{prefixes: []string{"FSPICK_"}}
	fsconfigCommands = &family{prefixes: []string{"FSCONFIG_"}, choice: chooseOne}
	openTreeFlags    = &family{prefixes: []string{"OPEN_TREE_", "AT_"}, except: []string{"AT_FDCWD"}}
	moveMountFlags   = &family{prefixes: []string{"MOVE_MOUNT_"}}
	// Of the bits of MOUNT_ATTR__ATIME one value is chosen, of which 0 is MOUNT_ATTR_RELATIME.
	mountAttributes  = &family{prefixes: []string{"MOUNT_ATTR_"}, except: []string{"MOUNT_ATTR_RELATIME"}}
	fcntlCommands    = &family{prefixes: []string{"F_"}, except: []string{"F_OK", "F_SEAL_"}, choice: chooseOne}
	descriptorFlags  = &family{prefixes: []string{"FD_"}}
	seals            = &family{prefixes: []string{"F_SEAL_"}}
	resources        = &family{prefixes: []string{"RLIMIT_"}, choice: chooseOne}
	limits           = &family{prefixes: []string{"RLIM_INFINITY"}, choice: chooseOne}
	prctlOptions     = &family{prefixes: []string{"PR_"}, except: []string{"PR_MDWE_"}, choice: chooseOne}
	mdweFlags        = &family{prefixes: []string{"PR_MDWE_"}}
	keyctlOperations = &family{prefixes: []string{"KEYCTL_"}, choice: chooseOne}
	keyrings         = &family{prefixes: []string{"KEY_SPEC_"}, choice: chooseOne}
	signals          = &family{prefixes: []string{"SIG"}, choice: chooseOne}
)
