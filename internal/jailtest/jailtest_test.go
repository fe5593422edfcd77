//go:build linux && cgo

package jailtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const (
	childScript  = "INITSCRIPT_JAILTEST_SCRIPT"
	childFailing = "INITSCRIPT_JAILTEST_FAILING"
)

// A script that ends its process does so here.
func TestMain(m *testing.M) {
	if script, ok := os.LookupEnv(childScript); ok {
		fmt.Println("returned:", Run(script, os.Getenv(childFailing), int(syscall.EPERM)).Report)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestCalls(t *testing.T) {
	tests := []struct {
		name, script string
		failing      string
		errno        syscall.Errno
		calls        []string
		report       string
	}{
		{
			name:   "create and attach",
			script: `return C.jail_set({path = "/jail"}, {"create", "attach"})`,
			calls:  []string{"init path", "import /jail", "set 1 0x5"},
			report: "7 0",
		}, {
			name:   "true",
			script: `return C.jail_set({persist = true}, {"create"})`,
			calls:  []string{"init persist", "import true", "set 1 0x1"},
			report: "7 0",
		}, {
			name:   "false",
			script: `return C.jail_set({["allow.mount"] = false}, {"update", "dying"})`,
			calls:  []string{"init allow.mount", "import false", "set 1 0xa"},
			report: "7 0",
		}, {
			name:   "string of digits",
			script: `return C.jail_set({jid = "5"})`,
			calls:  []string{"init jid", "import 5", "set 1 0"},
			report: "7 0",
		}, {
			name:   "flags nil",
			script: `return C.jail_set({name = "a"}, nil)`,
			calls:  []string{"init name", "import a", "set 1 0"},
			report: "7 0",
		}, {
			name:   "a flag twice, and what is after a hole",
			script: `return C.jail_set({name = "a"}, {"update", "update", nil, "bogus"})`,
			calls:  []string{"init name", "import a", "set 1 0x2"},
			report: "7 0",
		}, {
			name:   "no parameters",
			script: `return C.jail_set({}, {"create"})`,
			calls:  []string{"set 0 0x1"},
			report: "7 0",
		}, {
			name:   "more arguments",
			script: `return C.jail_set({name = "a"}, {"create"}, 1, 2)`,
			calls:  []string{"init name", "import a", "set 1 0x1"},
			report: "7 0",
		}, {
			name: "unknown parameter",
			// flags are not looked at
			script:  `errexit = false return C.jail_set({nope = "a"}, {"bogus"})`,
			failing: "init nope", errno: syscall.ENOENT,
			calls:  []string{"init nope"},
			report: "-1 2",
		}, {
			name:    "value that libjail refuses",
			script:  `errexit = false return C.jail_set({persist = "maybe"}, 5)`,
			failing: "import maybe", errno: syscall.EINVAL,
			calls:  []string{"init persist", "import maybe"},
			report: "-1 22",
		}, {
			name:    "the kernel refuses",
			script:  `errexit = false return C.jail_set({name = "a"}, {"create"})`,
			failing: "set 1 0x1", errno: syscall.EPERM,
			calls:  []string{"init name", "import a", "set 1 0x1"},
			report: "-1 1",
		}, {
			name:   "attach",
			script: `return C.jail_attach("3")`,
			calls:  []string{"attach 3"},
			report: "0 0",
		}, {
			name:    "attach to what is not there",
			script:  `errexit = false return C.jail_attach(3)`,
			failing: "attach 3", errno: syscall.EINVAL,
			calls:  []string{"attach 3"},
			report: "-1 22",
		}, {
			name:   "attach without a number",
			script: `C.jail_attach({})`,
			report: "bad argument #1 to 'jail_attach' (number expected, got table)",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := Run(test.script, test.failing, int(test.errno))
			if !slices.Equal(r.Calls, test.calls) {
				t.Errorf("calls %q, want %q", r.Calls, test.calls)
			}
			if r.Report != test.report && !strings.HasSuffix(r.Report, ": "+test.report) {
				t.Errorf("got %q, want %q", r.Report, test.report)
			}
			if r.Leaked != 0 {
				t.Errorf("%d parameters were not freed", r.Leaked)
			}
		})
	}
}

// Parameters come in any order; the second one fails, and the first is freed.
func TestSecondParameterFails(t *testing.T) {
	r := Run(`errexit = false return C.jail_set({a = "bad", b = "bad"}, {})`, "import bad",
		int(syscall.ERANGE))
	if len(r.Calls) != 2 || r.Report != "-1 34" || r.Leaked != 0 {
		t.Fatalf("%+v", r)
	}
	r = Run(`errexit = false return C.jail_set({a = "1", b = "bad", c = "3"}, {})`, "import bad",
		int(syscall.ERANGE))
	if r.Report != "-1 34" || r.Leaked != 0 {
		t.Fatalf("%+v", r)
	}
}

// What ends the process with status 1, whatever errexit says, and what only if it is on.
func TestEnds(t *testing.T) {
	const (
		invalid = "<3>ipc_actor/init/jail_set: Invalid argument\n"
		refused = "<3>ipc_actor/init/%s: Operation not permitted\nstack traceback:"
	)
	tests := []struct{ name, script, failing, stderr string }{
		{"params missing", `pcall(C.jail_set)`, "", invalid},
		{"params a string", `pcall(C.jail_set, "path=/")`, "", invalid},
		{"key a number", `pcall(C.jail_set, {"path"})`, "", invalid},
		{"key a boolean", `pcall(C.jail_set, {[true] = "path"})`, "", invalid},
		{"value a number", `pcall(C.jail_set, {jid = 5})`, "", invalid},
		{"value a table", `pcall(C.jail_set, {path = {}})`, "", invalid},
		{"flags a string", `pcall(C.jail_set, {}, "create")`, "", invalid},
		{"flags true", `pcall(C.jail_set, {}, true)`, "", invalid},
		{"flag a number", `pcall(C.jail_set, {}, {1})`, "", invalid},
		{"flag unknown", `pcall(C.jail_set, {}, {"create", "destroy"})`, "", invalid},
		{"flag with a NUL byte", `pcall(C.jail_set, {}, {"create\0"})`, "", invalid},
		{"init", `errexit = true pcall(C.jail_set, {path = "/"})`, "init path",
			fmt.Sprintf(refused, "jail_set")},
		{"import", `errexit = true pcall(C.jail_set, {path = "/"})`, "import /",
			fmt.Sprintf(refused, "jail_set")},
		{"set", `errexit = true pcall(C.jail_set, {path = "/"})`, "set 1 0",
			fmt.Sprintf(refused, "jail_set")},
		{"attach", `errexit = true pcall(C.jail_attach, 3)`, "attach 3",
			fmt.Sprintf(refused, "jail_attach")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			program, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(program)
			cmd.Env = append(os.Environ(), childScript+"=errexit = false "+test.script,
				childFailing+"="+test.failing)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || len(out) != 0 {
				t.Errorf("%v, output %q", err, out)
			}
			if !strings.HasPrefix(stderr.String(), test.stderr) {
				t.Errorf("stderr %q, want %q", stderr.String(), test.stderr)
			}
		})
	}
}
