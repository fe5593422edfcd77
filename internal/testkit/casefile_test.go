//go:build linux

package testkit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
	"golang.org/x/sys/unix"
)

func loadText(t *testing.T, text string) (*testkit.CaseFile, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cases.txtar")
	testkit.Must(t, os.WriteFile(path, []byte(text), 0o600))
	hook := func(*testing.T, *initscript.Cmd, []string) {}
	return testkit.LoadCases(path, map[string]testkit.Hook{"hook": hook})
}

func TestCaseFile(t *testing.T) {
	file, err := loadText(t, `What it is about.

-- a case --
R(C.close(0),
    ${number chdir})
-- with --
# why
as ordinary user
in user,net
peer stream hang-up
-- sent --
0,0
"a\x00b"
-- stdout --
two
lines

-- stderr --
"no newline"
-- ends --
fails ENOENT open("/x", 0)
line 3

-- failures --
about a name
before local x = 1
call C.close(99,
    x)
fails EBADF close(99, 1)
returns nil,9

-- raises --
# why
call C.close()
raises init.script:1: bad argument
`)
	testkit.Must(t, err)
	if len(file.Cases) != 1 || len(file.Failures) != 1 || len(file.Raises) != 1 ||
		len(file.Deaths) != 0 {
		t.Fatalf("%+v", file)
	}
	c := file.Cases[0]
	want := testkit.ScriptCase{
		Name: "a case", Script: fmt.Sprintf("R(C.close(0),\n    %d)",
			unix.SYS_CHDIR), As: testkit.OrdinaryUser,
		In:     initscript.NewUser | initscript.NewNet,
		Peer:   &testkit.Peer{Kind: unix.SOCK_STREAM, HangUp: true},
		Sent:   []string{"0,0", "a\x00b"},
		Stdout: "two\nlines\n", Stderr: "no newline",
		Err: &initscript.ScriptError{
			Func: "open", Args: []string{`"/x"`, "0"}, Errno: unix.ENOENT, Line: 3,
		},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v\n%+v", c, want)
	}
	failure := testkit.FailureCase{
		Name: "a name", Before: "local x = 1", Call: "C.close(99, x)", Errno: unix.EBADF,
		Report: "close(99, 1)", Results: "nil,9",
	}
	if !reflect.DeepEqual(file.Failures[0], failure) {
		t.Errorf("%+v", file.Failures[0])
	}
	if file.Raises[0] != (testkit.RaiseCase{Call: "C.close()", Message: "init.script:1: bad argument"}) {
		t.Errorf("%+v", file.Raises[0])
	}
}

// What is misspelt is no expectation that nobody looks at.
func TestCaseFileRefuses(t *testing.T) {
	const script = "-- a case --\nS(1)\n"
	for text, want := range map[string]string{
		"no section":                                   "no cases",
		"-- sent --\n0\n":                              "no script precedes it",
		script + "-- with --\nas rot\n":                "no such privilege",
		script + "-- with --\nhok\n":                   "no such hook",
		script + "-- with --\nin usr\n":                "unknown namespace",
		script + "-- with --\npeer strem\n":            "no such option",
		script + "-- with --\nqueued \"x\" 1\n":        "there is no peer",
		script + "-- with --\nreceived \"x\" 1\n":      "there is no peer",
		script + "-- ends --\nfails ENOWHERE x()\n":    "no such errno",
		script + "-- ends --\nkilled SIGNOT\n":         "no such signal",
		script + "-- ends --\nout of paper\n":          "not known",
		script + "-- ends --\nhow\n":                   "not known",
		script + "-- stdout --\n\"open\n":              "invalid syntax",
		"-- a case --\n${nowhere}\n":                   "not known",
		"-- a case --\n${filter nothing EPERM}\n":      "no number of nothing",
		"-- failures --\nfails EPERM x()\n":            "there is no call",
		"-- failures --\ncall x()\n":                   "no such errno",
		"-- failures --\ncall x()\nfails E x()\n":      "no such errno",
		"-- failures --\ncall x()\nraises x\n":         "not known here",
		"-- deaths --\ncall x()\n":                     "dies is missing",
		"-- raises --\ncall x()\n":                     "raises is missing",
		"-- raises --\n    call x()\n":                 "continues nothing",
		"-- raises --\ncall x()\ncall y()\nraises x\n": "twice",
	} {
		if _, err := loadText(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
