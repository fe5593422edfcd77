// Package kernels has the tests of what is said where a kernel is too old. What must work on older
// kernels is tested there by the packages that have the tests: testkit.RunOnOlderKernels.
package kernels_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// What a script asks for and the kernel lacks is named, with the reason.
func TestOlderKernelIsNamed(t *testing.T) {
	t.Run("pidfd_send_signal", func(t *testing.T) {
		testkit.RunWithout(t, "pidfd_send_signal", TestNothingStartsThatCannotBeSignalled)
	})
	t.Run("all that scripts can call", func(t *testing.T) {
		testkit.RunWithout(t, "all that scripts can call", TestMissingCallsAreNamed)
	})
}

// A process that could be reached by its number only might be another when the signal comes.
func TestNothingStartsThatCannotBeSignalled(t *testing.T) {
	if !testkit.Lacking(unix.SYS_PIDFD_SEND_SIGNAL) {
		t.Skip("runs on an older kernel only, for TestOlderKernelIsNamed")
	}
	var serverError *initscript.ServerError
	err := testkit.Command(t, "", "true").Run()
	if !errors.As(err, &serverError) || !errors.Is(err, unix.ENOSYS) ||
		!strings.Contains(err.Error(), "pidfd_send_signal") ||
		!strings.Contains(err.Error(), "Linux 5.1") {
		t.Errorf("%v", err)
	}
}

func TestMissingCallsAreNamed(t *testing.T) {
	if !testkit.Lacking(unix.SYS_OPENAT2) {
		t.Skip("runs on an older kernel only, for TestOlderKernelIsNamed")
	}
	for function, call := range map[string]string{
		"openat2":                 `C.openat2(C.AT_FDCWD, "/", {flags = C.O_PATH})`,
		"landlock_create_ruleset": `C.landlock_create_ruleset({handled_access_fs = {"execute"}})`,
		"landlock_restrict_self":  `C.landlock_restrict_self(0)`,
		"fsopen":                  `C.fsopen("tmpfs", 0)`,
		"fsconfig":                `C.fsconfig(0, C.FSCONFIG_SET_FLAG, "ro", nil, 0)`,
		"fsmount":                 `C.fsmount(0, 0, 0)`,
		"fspick":                  `C.fspick(C.AT_FDCWD, "/", 0)`,
		"open_tree":               `C.open_tree(C.AT_FDCWD, "/", 0)`,
		"move_mount":              `C.move_mount(0, "", C.AT_FDCWD, "/", 0)`,
		"mount_setattr":           `C.mount_setattr(C.AT_FDCWD, "/", 0, {})`,
	} {
		t.Run(function, func(t *testing.T) {
			var scriptError *initscript.ScriptError
			err := testkit.Command(t, call).Run()
			if !errors.As(err, &scriptError) || scriptError.Func != function ||
				scriptError.Errno != syscall.ENOSYS || scriptError.Line != 1 {
				t.Fatalf("%v", err)
			}
			if !strings.Contains(err.Error(), "ENOSYS") || !strings.Contains(err.Error(), "kernel") {
				t.Errorf("unclear: %v", err)
			}
		})
	}
}
