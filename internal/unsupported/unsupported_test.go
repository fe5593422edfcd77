//go:build !((linux || freebsd) && cgo)

// Package unsupported tests what a program gets where init scripts cannot run:
//
//	CGO_ENABLED=0 go test -tags initscript_unsupported ./internal/unsupported
package unsupported

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/luahost"
	"github.com/go-initscript/initscript/mailbox"
	"github.com/go-initscript/initscript/seccomp"
)

func init() { initscript.Register("worker", func(*initscript.Self) error { return nil }) }

func check(t *testing.T, function string, err error) {
	t.Helper()
	if !errors.Is(err, initscript.ErrUnsupported) || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%s: %v is no ErrUnsupported", function, err)
		return
	}
	for _, part := range []string{function, runtime.GOOS, "Linux or FreeBSD, and cgo"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %q does not tell %q", function, err, part)
		}
	}
}

func TestFunctions(t *testing.T) {
	_, spawnErr := initscript.Spawn(context.Background(), initscript.Actor{Entry: "worker"})
	for function, err := range map[string]error{
		"Spawn":   spawnErr,
		"Confine": initscript.Confine("", nil),
		"Run":     luahost.Run(nil, "host.lua"),
		"Open":    luahost.Open(nil),
	} {
		check(t, function, err)
	}
}

// Every method that can fail does.
func TestMethods(t *testing.T) {
	values := []any{initscript.Command("true"), initscript.CommandContext(context.Background(), "true"),
		new(initscript.Actor),
		new(initscript.Self), new(initscript.Process), new(initscript.Confinement), new(mailbox.Channel),
		mailbox.NewInbox()}
	for _, value := range values {
		v, called := reflect.ValueOf(value), 0
		for i := range v.NumMethod() {
			method := v.Method(i).Type()
			if method.NumOut() == 0 || method.Out(method.NumOut()-1) != reflect.TypeFor[error]() {
				continue
			}
			var arguments []reflect.Value
			for j := range method.NumIn() {
				arguments = append(arguments, reflect.Zero(method.In(j)))
			}
			results := v.Method(i).Call(arguments)
			err, _ := results[len(results)-1].Interface().(error)
			check(t, v.Type().Method(i).Name, err)
			called++
		}
		if called == 0 {
			t.Errorf("%T has no method that can fail", value)
		}
	}
}

// What can be called all the same does nothing, and does not fail.
func TestHarmless(t *testing.T) {
	initscript.Main()
	initscript.RenewServer()
	initscript.SetLogger(nil)
	if set, err := initscript.ParseNamespaces("user,net"); err != nil || set.String() != "user,net" {
		t.Errorf("ParseNamespaces: %v, %v", set, err)
	}
	if text := initscript.Command("echo", "x").String(); text != "echo x" {
		t.Errorf("String: %q", text)
	}
}

// A filter is compiled all the same, for a Linux elsewhere.
func TestPolicy(t *testing.T) {
	policy, err := seccomp.ParsePolicy([]byte("default_action: {errno: ENOSYS}\n" +
		"rules: [{names: [read], action: allow}]"))
	if err != nil {
		t.Fatal(err)
	}
	filter, err := policy.CompileFor("arm64")
	last := []byte{0x06, 0, 0, 0, 38, 0, 0x05, 0} // BPF_RET, SECCOMP_RET_ERRNO | 38
	if err != nil || !bytes.HasSuffix(filter, last) {
		t.Errorf("% x, %v", filter, err)
	}
}

func TestCommand(t *testing.T) {
	command := filepath.Join(t.TempDir(), "initscript.exe")
	if out, err := exec.Command("go", "build", "-tags", "initscript_unsupported", "-o", command,
		"../../cmd/initscript").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(command, "run", "-e", "", "--", "/bin/true").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 125 {
		t.Errorf("%v, want the status 125", err)
	}
	if want := "initscript: " + initscript.ErrUnsupported.Error() + "\n"; string(out) != want {
		t.Errorf("got %q, want %q", out, want)
	}
}
