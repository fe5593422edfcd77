//go:build (linux || freebsd) && cgo && luajit

package namespaces_test

import (
	"os"
	"testing"

	"github.com/aarzilli/golua/lua"
	"github.com/go-initscript/initscript/examples/internal/exampletest"
	"github.com/go-initscript/initscript/internal/ffitest"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/luahost"
	"golang.org/x/sys/unix"
)

const want = `hello, box
pid	2
hostname	box
loopback	true
capabilities	false
sees_host	false
`

func TestNamespaces(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	exampletest.RequireProgram(t, "ip")
	program, err := os.ReadFile("namespaces.lua")
	if err != nil {
		t.Fatal(err)
	}
	ffitest.Require(t, string(program))
	L := lua.NewState()
	L.OpenLibs()
	defer L.Close()
	if err := luahost.Open(L); err != nil {
		t.Fatal(err)
	}
	if got := standardOutput(t, func() {
		if err := luahost.Run(L, "namespaces.lua"); err != nil {
			t.Error(err)
		}
	}); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// standardOutput returns what f writes to descriptor 1, which is less than a pipe holds.
func standardOutput(t *testing.T, f func()) string {
	t.Helper()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	own, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(own)
	if err := unix.Dup2(pipe[1], 1); err != nil {
		t.Fatal(err)
	}
	f()
	if err := unix.Dup2(own, 1); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 1<<16)
	unix.SetNonblock(pipe[0], true) // there may be nothing
	n, _ := unix.Read(pipe[0], text)
	return string(text[:max(n, 0)])
}
