package mailbox_test

import (
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
)

// runWithMounts runs the calling test once more, as root, in a process with a mount namespace of its
// own. It returns true in that process.
func runWithMounts(t *testing.T) bool {
	t.Helper()
	testkit.RequireRoot(t)
	testkit.RequireNamespacesForSubprocess(t, initscript.NewMount)
	return testkit.RunInSubprocess(t, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS})
}
