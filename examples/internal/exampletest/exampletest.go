//go:build linux

// Package exampletest holds what the tests of the examples share.
package exampletest

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
	"golang.org/x/sys/unix"
)

// SearchPath is the PATH that programs are found in.
const SearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Context returns a context that ends with the test, or when something hangs.
func Context(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Timeout)
	t.Cleanup(cancel)
	return ctx
}

// MapToRoot makes the caller root in a user namespace of the command's own.
func MapToRoot(cmd *initscript.Cmd) {
	cmd.Namespaces |= initscript.NewUser
	cmd.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	cmd.GIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
}

// RequireProgram skips where a program that an example runs is not installed.
func RequireProgram(t *testing.T, name string) {
	t.Helper()
	t.Setenv("PATH", SearchPath)
	testkit.RequireProgram(t, name)
}

// EachUser runs a test as the current user and, if that is root, once more as an ordinary one, in
// a process of its own.
func EachUser(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Run("current user", test)
	if os.Geteuid() == 0 && os.Getenv(marker) == "" {
		t.Run("ordinary user", runAsOrdinaryUser)
	}
}

const marker = "INITSCRIPT_TEST_ORDINARY_USER"

func runAsOrdinaryUser(t *testing.T) {
	name, _, _ := strings.Cut(t.Name(), "/")
	cmd := exec.CommandContext(Context(t), "/proc/self/exe", "-test.v",
		"-test.run=^"+name+"$/^current_user$")
	cmd.Env = append(os.Environ(), marker+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: testkit.OrdinaryID, Gid: testkit.OrdinaryID},
	}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		// root of a user namespace without others
		testkit.Skip(t, "cannot become another user: "+err.Error())
	}
	err := cmd.Wait()
	switch {
	case err != nil:
		t.Errorf("%v\n%s", err, out.String())
	case strings.Contains(out.String(), "--- SKIP"):
		t.Skip(out.String())
	case !strings.Contains(out.String(), "--- PASS: "+name):
		t.Errorf("the test did not run:\n%s", out.String())
	}
}

// KeyDescription is that of the key of AddHostKey.
const KeyDescription = "initscript-test"

// HostKey is a key of the host, in a session keyring that has a name.
type HostKey struct{ Number, Keyring int }

// AddHostKey gives the calling thread a session keyring with a key, which what the calling goroutine
// starts inherits. It skips where keyctl(2) is refused.
func AddHostKey(t *testing.T) HostKey {
	t.Helper()
	runtime.LockOSThread() // for good: the keyring is the thread's, and ends with it
	keyring, err := unix.KeyctlJoinSessionKeyring("initscript-test")
	if err == unix.ENOSYS || err == unix.EPERM {
		t.Skipf("needs keyctl(2): %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.AddKey("user", KeyDescription, []byte("secret"), unix.KEY_SPEC_SESSION_KEYRING)
	if err != nil {
		t.Fatal(err)
	}
	initscript.RenewServer() // that of before has another keyring
	t.Cleanup(func() { initscript.RenewServer() })
	return HostKey{number, keyring}
}
