package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/go-initscript/initscript/internal/ffitest"
	"github.com/rogpeppe/go-internal/testscript"
)

// testTimeout ends a command that hangs, so that a test fails instead of waiting for ever.
const testTimeout = 60 * time.Second

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"initscript": main, "print-signals": printSignals})
}

// TestScripts runs the files of testdata/script; see the package testscript.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition:           func(name string) (bool, error) { return condition(t, name) },
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(env *testscript.Env) error {
			env.Setenv("UID", strconv.Itoa(os.Geteuid()))
			env.Setenv("GID", strconv.Itoa(os.Getegid()))
			return nil
		},
	})
}

// condition knows [root]; [static]: is this one file without libraries; [host]: has the command host,
// which needs the build tag luajit; and [userns]: may this user create user namespaces here?
func condition(t *testing.T, name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "host":
		return withHost, nil
	case "static":
		return ffitest.Static(t), nil
	case "userns":
		err := userNamespaces()
		if err != nil && os.Getenv("INITSCRIPT_MUST_WORK") == "1" {
			return false, fmt.Errorf("INITSCRIPT_MUST_WORK=1, but %w", err)
		}
		return err == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

func userNamespaces() error {
	out, err := exec.Command("initscript", "run", "--ns", "user", "--map-root", "-e",
		"").CombinedOutput()
	if err != nil {
		return fmt.Errorf("user namespaces are not available: %w: %s", err, out)
	}
	return nil
}

func requireHost(t *testing.T) {
	t.Helper()
	if !withHost {
		t.Skip("needs a command with host: go test -tags luajit")
	}
}

func requireUserNamespaces(t *testing.T) {
	t.Helper()
	available, err := condition(t, "userns")
	if err != nil {
		t.Fatal(err)
	}
	if !available {
		t.Skip(userNamespaces())
	}
}

// exits runs a command that must end with a certain status: exits STATUS COMMAND ARG...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	if got, want := exitCode(ts, err), args[0]; strconv.Itoa(got) != want {
		ts.Fatalf("exit status %d, want %s", got, want)
	}
}

func exitCode(t interface{ Fatalf(string, ...any) }, err error) int {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v", err)
	}
	if exit == nil {
		return 0
	}
	if !exit.Exited() {
		t.Fatalf("the command itself was ended: %v", exit)
	}
	return exit.ExitCode()
}

// newInitscript returns the command "initscript run" with more arguments.
func newInitscript(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return newProcess(t, "initscript", append([]string{"run"}, args...)...)
}

// newShell returns a shell that runs the code, with the arguments in "$@".
func newShell(t *testing.T, code string, args ...string) *exec.Cmd {
	t.Helper()
	return newProcess(t, "/bin/sh", append([]string{"-c", code, "sh"}, args...)...)
}

func newProcess(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	limit := testTimeout
	if withDocker() {
		limit *= 5 // containers start slowly
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, name, args...)
}
