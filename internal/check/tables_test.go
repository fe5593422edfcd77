package check_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/check"
	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/lua"
)

// What the check knows beside the definitions does not contradict them.
func TestTables(t *testing.T) {
	blocks, err := definitions.Parse(lua.Definitions)
	testkit.Must(t, err)
	functions := map[string]definitions.Block{}
	for _, block := range blocks {
		if block.Kind == definitions.Function {
			functions[block.Name] = block
		}
	}
	for name, with := range check.WithArguments() {
		for choice, needs := range with {
			if check.Constants()[choice] == nil || needs > len(functions[name].Params) {
				t.Errorf("%s with %s cannot have %d arguments", name, choice, needs)
			}
		}
	}
}

// Of every integer it is known what it may be.
func TestEveryNumberHasItsRange(t *testing.T) {
	blocks, err := definitions.Parse(lua.Definitions)
	testkit.Must(t, err)
	numbers := definitions.AllNumbers(blocks)
	for _, block := range blocks {
		if block.IsConstants() {
			continue
		}
		for _, value := range slices.Concat(block.Params, block.Fields) {
			if known := numbers[value.Alias]; known == nil && strings.Contains(value.Type, "integer") {
				t.Errorf("%s: nothing is known of the numbers that %s may be", block.Name, value.Name)
			} else if known != nil && known.Min >= known.Max {
				t.Errorf("%s: %s: from %d to %d", block.Name, value.Name, known.Min, known.Max)
			}
		}
	}
	for name, n := range numbers {
		if len(n.Prefixes) > 0 && !slices.ContainsFunc(slices.Collect(maps.Keys(check.Constants())),
			func(constant string) bool { return n.Has(strings.TrimPrefix(constant, "C.")) }) {
			t.Errorf("%s: there is no constant with one of %q", name, n.Prefixes)
		}
	}
}

// What is concluded from the definitions of these calls; "" is nothing.
func TestConclusions(t *testing.T) {
	capabilities, flags := check.Always(), check.Opening()
	for name, want := range map[string]string{
		"C.mount": "cap_sys_admin", "C.umount": "cap_sys_admin", "C.umount2": "cap_sys_admin",
		"C.pivot_root": "cap_sys_admin", "C.fsopen": "cap_sys_admin", "C.fsmount": "cap_sys_admin",
		"C.fspick": "cap_sys_admin", "C.move_mount": "cap_sys_admin", "C.mount_setattr": "cap_sys_admin",
		"C.sethostname": "cap_sys_admin", "C.setdomainname": "cap_sys_admin",
		"C.chroot": "cap_sys_chroot", "C.setgroups": "cap_setgid",
		"C.cap_drop_bound": "cap_setpcap", "C.cap_set_secbits": "cap_setpcap",
		// These depend on their arguments, or on who calls.
		"C.chown": "", "C.chmod": "", "C.setns": "", "C.unshare": "", "C.fsconfig": "",
		"C.open_tree": "",
		"C.mknod":     "", "C.setresuid": "", "C.cap_set_proc": "", "C.setrlimit": "",
		"C.seccomp_set_mode_filter": "",
	} {
		if got := capabilities[name]; got != want {
			t.Errorf("%s always needs %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"C.open": "O_CLOEXEC", "C.openat2": "O_CLOEXEC", "C.pipe2": "O_CLOEXEC",
		"C.socket":     "SOCK_CLOEXEC",
		"C.socketpair": "SOCK_CLOEXEC", "C.fsopen": "FSOPEN_CLOEXEC", "C.fsmount": "FSMOUNT_CLOEXEC",
		"C.fspick": "FSPICK_CLOEXEC", "C.open_tree": "OPEN_TREE_CLOEXEC",
		// These have no such flag, or are close-on-exec anyhow.
		"C.dup": "", "C.dup2": "", "C.fcntl": "", "C.landlock_create_ruleset": "", "C.mount_setattr": "",
	} {
		if got := flags[name]; got != want {
			t.Errorf("%s has the flag %q for close-on-exec, want %q", name, got, want)
		}
	}
}
