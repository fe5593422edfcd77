//go:build linux

package testkit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/hint"
	"github.com/go-initscript/initscript/internal/machine"
	"golang.org/x/sys/unix"
)

// RequireRoot skips where the test needs privileges outside of a user namespace.
func RequireRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root") // the suite runs as root too
	}
}

// RequireUserNamespaces skips where the machine does not let this user create one; with
// INITSCRIPT_MUST_WORK=1 that is a failure.
func RequireUserNamespaces(t *testing.T) {
	t.Helper()
	cmd := Command(t, "")
	InUserNamespace(0)(cmd)
	if err := cmd.Run(); err != nil {
		Skip(t, "user namespaces are not available: "+Explained(err))
	}
}

// RequireProgram skips where a program that the test drives is not installed.
func RequireProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Skip(t, err.Error())
	}
	return path
}

// Explained is the text of an error with its hint, as the doctor would give it.
func Explained(err error) string {
	if hint := initscript.Hint(err); hint != "" {
		return fmt.Sprintf("%v; hint: %s", err, hint)
	}
	return err.Error()
}

func Skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("INITSCRIPT_MUST_WORK") == "1" {
		t.Fatalf("INITSCRIPT_MUST_WORK=1, but %s", reason)
	}
	t.Skip(reason)
}

// What the engine of a container does to all tests that run in it.

// SeccompAtStart returns the seccomp mode that every process of the tests begins with, as
// /proc/PID/status has it: "0" unless the container has a filter.
func SeccompAtStart(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	Must(t, err)
	return StatusField(string(status), "Seccomp")
}

// RequireNamespacesForSubprocess is RequireNamespaces before RunInSubprocess. It leaves the subprocess
// as it is: nothing there has used the package before the test does.
func RequireNamespacesForSubprocess(t *testing.T, namespaces initscript.Namespaces) {
	t.Helper()
	if os.Getenv(SubprocessMarker) != t.Name() {
		RequireNamespaces(t, namespaces)
	}
}

// RequireNamespaces skips where root may not make these namespaces without one for users.
func RequireNamespaces(t *testing.T, namespaces initscript.Namespaces) {
	t.Helper()
	cmd := Command(t, "")
	cmd.Namespaces = namespaces
	var refusal *initscript.NamespaceError
	if err := cmd.Run(); errors.As(err, &refusal) {
		Skip(t, "namespaces are not available: "+Explained(err))
	} else if err != nil {
		t.Fatal(err)
	}
}

// StatusField returns a field of the text of /proc/PID/status, "" if it has none of that name.
func StatusField(status, key string) string {
	for line := range strings.Lines(status) {
		if name, value, ok := strings.Cut(line, ":"); ok && name == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Must ends the test if there is an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// OpenDirectory makes a directory for the test in which every user may write.
func OpenDirectory(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	Must(t, os.Chmod(directory, 0o777))
	return directory
}

// LandlockABI returns the kernel's version of Landlock, 0 without.
func LandlockABI() int {
	const flags = unix.LANDLOCK_CREATE_RULESET_VERSION
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, flags)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

// RequireLandlock skips where there is no Landlock.
func RequireLandlock(t *testing.T) {
	t.Helper()
	if _, err := machine.Landlock(); err != nil {
		Skip(t, "Landlock is not available: "+hint.LandlockMissing(err).String())
	}
}

// RequireLandlockABI skips where the kernel has no Landlock, or an older version of it.
func RequireLandlockABI(t *testing.T, abi int) {
	t.Helper()
	switch have := LandlockABI(); {
	case have == 0:
		RequireLandlock(t)
	case have < abi:
		t.Skipf("needs Landlock ABI %d, the kernel has %d", abi, have)
	}
}

// RequireKeyrings skips where keyctl(2) is not there, or a filter refuses it.
func RequireKeyrings(t *testing.T) {
	t.Helper()
	_, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
	if err == unix.ENOSYS || err == unix.EPERM {
		t.Skipf("needs keyctl(2): %v", err)
	}
}
