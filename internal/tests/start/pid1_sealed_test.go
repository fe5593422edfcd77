package start_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/seccomp"
	"golang.org/x/sys/unix"
)

const (
	becomeNobody = `C.setgroups({}) C.setresgid(65534, 65534, 65534) C.setresuid(65534, 65534, 65534) `

	// What of PID 1 can be reached by the same user, and "ran".
	lookIntoPID1 = `
		for name in environ maps mem auxv; do
			head -c 1 /proc/1/$name && echo reached $name
		done 2>/dev/null
		for name in fd map_files cwd root; do
			[ -n "$(ls /proc/1/$name/)" ] && echo reached $name
		done 2>/dev/null
		readlink /proc/1/exe
		echo ran`
)

// answering is a filter that answers one call, and allows all others.
func answering(t *testing.T, call string, action seccomp.Action) *os.File {
	t.Helper()
	return testkit.FilterFile(t, &seccomp.Policy{
		DefaultAction: seccomp.Allow,
		Rules:         []seccomp.Rule{{Names: []string{call}, Action: action}},
	})
}

func checkFilterBlamed(t *testing.T, err error, call string) {
	t.Helper()
	var setup *initscript.SetupError
	if !errors.As(err, &setup) || setup.Op != call || !errors.Is(err, unix.EPERM) ||
		!strings.Contains(setup.Hint, "seccomp filter that the script installed in line 3") {
		t.Errorf("%v, hint %q", err, initscript.Hint(err))
	}
}

// Whatever a filter of the script refuses, or only pretends to do: PID 1 is closed to others, or the
// program is not executed and the host learns why.
func TestPID1IsClosedBehindEveryFilter(t *testing.T) {
	boxes := []struct {
		name   string
		change func(cmd *initscript.Cmd)
	}{
		{"user namespace", func(*initscript.Cmd) {}},
		{"dropped ids", func(cmd *initscript.Cmd) {
			testkit.RequireRoot(t)
			cmd.Namespaces, cmd.UIDMap, cmd.GIDMap = initscript.NewPID|initscript.NewMount, nil, nil
			cmd.Script = strings.Replace(cmd.Script, testkit.InstallFilter,
				becomeNobody+testkit.InstallFilter, 1)
		}},
	}
	tests := []struct {
		call, told string // what the host is told; "": PID 1 does without
	}{
		{"prctl", ""},
		{"clone", "fork"}, {"close", "close"}, {"close_range", "close_range"}, {"kill", "kill"},
		{"madvise", "madvise"}, {"munmap", "munmap"}, {"rt_sigprocmask", "rt_sigprocmask"},
		{"rt_sigtimedwait", "rt_sigtimedwait"}, {"wait4", "wait4"},
	}
	for _, box := range boxes {
		if box.name == "dropped ids" && os.Geteuid() != 0 {
			continue
		}
		for _, test := range tests {
			for _, errno := range []unix.Errno{unix.EPERM, 0} {
				t.Run(fmt.Sprintf("%s, %s, errno %d", box.name, test.call, errno), func(t *testing.T) {
					cmd := newPID1Cmd(t, testkit.InstallFilter, "/bin/sh", "-c", lookIntoPID1)
					cmd.Arg = answering(t, test.call, seccomp.Errno(errno))
					box.change(cmd)
					out, err := cmd.Output()
					switch {
					case test.told != "":
						checkFilterBlamed(t, err, test.told)
						if len(out) > 0 {
							t.Errorf("the program says %q", out)
						}
					case err != nil || string(out) != "ran\n":
						t.Errorf("%v, %q", err, out)
					}
				})
			}
		}
	}
}

// PID 1 that a filter kills takes with it what has waited for it.
func TestPID1KilledByFilter(t *testing.T) {
	for _, call := range []string{"clone", "close_range", "kill", "munmap", "rt_sigtimedwait", "wait4"} {
		t.Run(call, func(t *testing.T) {
			cmd := newPID1Cmd(t, testkit.InstallFilter, "/bin/sh", "-c", "echo ran")
			cmd.Arg = answering(t, call, seccomp.KillProcess)
			out, err := cmd.Output()
			var script *initscript.ScriptError
			if !errors.As(err, &script) || script.Signal != unix.SIGSYS || len(out) > 0 {
				t.Errorf("%v, %q", err, out)
			}
		})
	}
}

// A script may give its program a PID namespace within that of PID 1, from where PID 1 has no number.
// What a filter makes of that is an error, and nothing that waits.
func TestProgramInNestedPIDNamespace(t *testing.T) {
	const nest = `C.unshare(C.CLONE_NEWPID)`
	tests := []struct {
		name, call string
		action     seccomp.Action
		blamed     bool
	}{
		{name: "no filter"},
		{name: "another call", call: "getppid", action: seccomp.Errno(unix.EPERM)},
		{name: "refused", call: "getpid", action: seccomp.Errno(unix.EPERM), blamed: true},
		{name: "pretended", call: "getpid", action: seccomp.Errno(0), blamed: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := newPID1Cmd(t, nest, "/bin/sh", "-c", "echo $$")
			if test.call != "" {
				cmd = newPID1Cmd(t, nest+testkit.InstallFilter, "/bin/sh", "-c", "echo $$")
				cmd.Arg = answering(t, test.call, test.action)
			}
			out, err := cmd.Output()
			if test.blamed {
				checkFilterBlamed(t, err, "getpid")
			} else if err != nil || string(out) != "1\n" {
				t.Errorf("%v, %q", err, out)
			}
		})
	}
}

// What takes the death signal away behind a filter that refuses, or pretends, to set it again is the end
// of the start. What does not needs no prctl there.
func TestGuardBehindFilter(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	tests := []struct {
		name, script string
		loses        bool
	}{
		{"nothing", testkit.InstallFilter, false},
		{"before", `C.setresuid(0, 0, 0) ` + testkit.InstallFilter, false},
		{"after", testkit.InstallFilter + `C.setresuid(0, 0, 0)`, true},
		{"group", testkit.InstallFilter + `C.setresgid(0, 0, 0)`, true},
		{"ffi", testkit.InstallFilter + `require "ffi"`, true},
		{"ffi before", `require "ffi" ` + testkit.InstallFilter, true},
	}
	for _, test := range tests {
		for _, namespaces := range []initscript.Namespaces{0, initscript.NewPID} {
			for _, errno := range []unix.Errno{unix.EPERM, 0} {
				t.Run(fmt.Sprintf("%s, %s, errno %d", test.name, namespaces, errno), func(t *testing.T) {
					cmd := testkit.Command(t, test.script, "/bin/echo", "ran")
					testkit.InUserNamespace(namespaces)(cmd)
					cmd.Arg = answering(t, "prctl", seccomp.Errno(errno))
					out, err := cmd.Output()
					if test.loses {
						checkFilterBlamed(t, err, "prctl")
					} else if err != nil {
						t.Error(testkit.Explained(err))
					}
					if want := map[bool]string{false: "ran\n"}[test.loses]; string(out) != want {
						t.Errorf("the program says %q", out)
					}
				})
			}
		}
	}
}
