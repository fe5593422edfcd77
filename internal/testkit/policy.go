//go:build linux

package testkit

import (
	"fmt"
	"os"
	"testing"

	"github.com/go-initscript/initscript/seccomp"
)

// InstallFilter is the script that installs the filter behind arg.
const InstallFilter = `
	set_no_new_privs()
	C.seccomp_set_mode_filter(C.read(arg, 32768))
`

// FilterFile returns a file with the compiled policy.
func FilterFile(t *testing.T, policy *seccomp.Policy) *os.File {
	t.Helper()
	filter, err := policy.Compile()
	Must(t, err)
	reader, writer, err := os.Pipe()
	Must(t, err)
	t.Cleanup(func() { reader.Close() })
	go func() {
		writer.Write(filter)
		writer.Close()
	}()
	return reader
}

// CompilePolicy returns the filter as Lua source.
func CompilePolicy(policy string) string {
	parsed, err := seccomp.ParsePolicy([]byte(policy))
	if err != nil {
		panic(fmt.Errorf("%w in\n%s", err, policy))
	}
	filter, err := parsed.Compile()
	if err != nil {
		panic(fmt.Errorf("%w in\n%s", err, policy))
	}
	return LuaLiteral(filter)
}
