package initscript_test

import (
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// What the engine of a container does to all tests that run in it.

// seccompAtStart returns the seccomp mode that every process of the tests begins with, as
// /proc/PID/status has it: "0" unless the container has a filter.
func seccompAtStart(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	must(t, err)
	return statusField(string(status), "Seccomp")
}

// requireNoFilterOn skips a case whose call the container's filter refuses before the kernel can
// refuse it for the reason that the case is about.
func (c *failureCase) requireNoFilterOn(t *testing.T) {
	t.Helper()
	if c.as == privileged {
		requireRoot(t)
	}
	if seccompAtStart(t) == "0" || c.errno == unix.EPERM || c.in != 0 || c.peer != nil {
		return
	}
	r := runScript(t, prelude+c.before+" errexit = false S(select(2, "+c.call+"))")
	if r.Err == nil && len(r.Sent) == 1 && r.Sent[0] == strconv.Itoa(int(unix.EPERM)) {
		t.Skipf("a seccomp filter of this container forbids %s", c.function())
	}
}

// requireNamespacesForSubprocess is requireNamespaces before runInSubprocess. It leaves the subprocess
// as it is: nothing there has used the package before the test does.
func requireNamespacesForSubprocess(t *testing.T, namespaces initscript.Namespaces) {
	t.Helper()
	if os.Getenv(subprocessMarker) != t.Name() {
		requireNamespaces(t, namespaces)
	}
}

// requireNamespaces skips where root may not make these namespaces without one for users.
func requireNamespaces(t *testing.T, namespaces initscript.Namespaces) {
	t.Helper()
	cmd := newCmd(t, "")
	cmd.Namespaces = namespaces
	var refusal *initscript.NamespaceError
	if err := cmd.Run(); errors.As(err, &refusal) {
		skip(t, "namespaces are not available: "+explained(err))
	} else if err != nil {
		t.Fatal(err)
	}
}
