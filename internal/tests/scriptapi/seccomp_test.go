package scriptapi_test

import (
	"errors"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
	"golang.org/x/sys/unix"
)

// A failed filter must not be in force in part.
func TestTooLongFilterIsNotInstalled(t *testing.T) {
	now := testkit.SeccompAtStart(t)
	refused := testkit.ScriptCase{
		Script: `set_no_new_privs() errexit = false
			for _, n in ipairs{65536, 65537, 131073} do
				R(C.seccomp_set_mode_filter((` + testkit.AllowAll + `):rep(n)))
				R(status('Seccomp'))
			end`,
		Sent: []string{"-1,22", now, "-1,22", now, "-1,22", now},
	}
	refused.Run(t)
}

// What happens between the script and the program is under the filter too.
func TestFilterAgainstLauncher(t *testing.T) {
	filter := testkit.Filter(unix.SYS_CLOSE_RANGE, unix.SECCOMP_RET_ERRNO|uint32(unix.EPERM))
	r := testkit.RunScript(t, testkit.Install(filter), testkit.WithProgram("/bin/echo", "program"))
	var setupError *initscript.SetupError
	if !errors.As(r.Err, &setupError) || setupError.Op != "close_range" ||
		!errors.Is(r.Err, unix.EPERM) || r.Stdout != "" || r.State.ExitCode() != 1 {
		t.Errorf("%+v", r)
	}
}
