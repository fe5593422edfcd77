//go:build linux

package hint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-initscript/initscript/internal/machine"
	"github.com/go-initscript/initscript/internal/wire"
	"golang.org/x/sys/unix"
)

func (f *Failure) landlockHint() string {
	if f.did(wire.NoteSeccomp) {
		return ""
	}
	switch f.Errno {
	case unix.ENOSYS:
		if machine.ReadStatus().SeccompFilter() {
			return "this kernel has no Landlock (Linux 5.13, CONFIG_SECURITY_LANDLOCK), or the " +
				"seccomp filter of the calling process hides it"
		}
		return "this kernel has no Landlock: it needs Linux 5.13 with CONFIG_SECURITY_LANDLOCK"
	case unix.EOPNOTSUPP:
		return "Landlock was not enabled when the kernel booted: add landlock to the list in the " +
			"kernel parameter lsm="
	case unix.EPERM:
		if f.Name == "landlock_restrict_self" && !f.did(wire.NoteNoNewPrivs) {
			return needsNoNewPrivs
		}
	case unix.EINVAL, unix.E2BIG:
		return f.landlockInvalid()
	}
	return ""
}

func (f *Failure) landlockInvalid() string {
	names := strings.Fields(f.text)
	abi, err := machine.Landlock()
	if err == nil {
		var newer []string
		for _, name := range names {
			if needs := landlockABI[f.Name][name]; needs > abi && !slices.Contains(newer, name) {
				newer = append(newer, name)
			}
		}
		if len(newer) > 0 {
			return fmt.Sprintf("this kernel has Landlock ABI %d, without %s (ABI %d): leave out what "+
				"C.landlock_create_ruleset(nil, {\"version\"}) is too low for",
				abi, strings.Join(newer, ", "), landlockABI[f.Name][newer[0]])
		}
	}
	switch {
	case f.Name == "landlock_restrict_self" && f.Errno == unix.E2BIG:
		return "a process can be restricted by 16 rulesets at most: put the rules into fewer"
	case f.Name == "landlock_add_rule" && f.Errno == unix.EINVAL && err == nil:
		return "allowed_access names a right that the ruleset does not handle, or, for a file, " +
			"one that only directories have"
	}
	return ""
}
