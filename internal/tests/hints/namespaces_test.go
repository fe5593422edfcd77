package hints_test

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
)

// The refusal of namespaces says what helps.
func TestRefusedNamespacesHaveAHint(t *testing.T) {
	attr := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		attr.Credential = &syscall.Credential{Uid: testkit.OrdinaryID, Gid: testkit.OrdinaryID}
	}
	if !testkit.RunInSubprocess(t, attr) {
		return
	}
	refused := func(want string) {
		t.Helper()
		cmd := testkit.Command(t, "")
		cmd.Namespaces = initscript.NewUTS
		var refusal *initscript.NamespaceError
		if err := cmd.Run(); !errors.As(err, &refusal) || !strings.Contains(refusal.Hint, want) {
			t.Errorf("%v, hint %q, want %q", err, initscript.Hint(err), want)
		}
	}
	if testkit.SeccompAtStart(t) == "0" {
		refused("need CAP_SYS_ADMIN: make a user namespace too")
	}
	testkit.AllowAllFilter(t) // any
	refused("--security-opt seccomp=unconfined")
}
