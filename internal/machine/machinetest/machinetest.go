//go:build linux

// Package machinetest shows package machine the files of a machine that is not there. It is for tests.
package machinetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/machine"
)

// Files are the files of a machine, by their paths.
type Files map[string]string

// Texts of /proc/thread-self/status, and of uid_map in the initial user namespace.
const (
	Ordinary = "Name:\tx\nCapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\n" +
		"NoNewPrivs:\t0\nSeccomp:\t0\n"
	Root = "Name:\tx\nCapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\n" +
		"NoNewPrivs:\t1\nSeccomp:\t0\n"
	Filtered = "Name:\tx\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\n" +
		"NoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t1\n"
	AllIDs = "         0          0 4294967295\n"
)

// Kernel returns a machine with this status of the process, in the initial user namespace, and these
// sysctls, as "name=value".
func Kernel(status string, sysctls ...string) Files {
	f := Files{"/proc/thread-self/status": status, "/proc/self/uid_map": AllIDs,
		"/proc/self/gid_map": AllIDs}
	for _, setting := range sysctls {
		name, value, _ := strings.Cut(setting, "=")
		f["/proc/sys/"+strings.ReplaceAll(name, ".", "/")] = value + "\n"
	}
	return f
}

// Use has package machine look at these files until the test ends.
func (f Files) Use(t *testing.T) {
	t.Helper()
	before := machine.Root
	machine.Root = t.TempDir()
	t.Cleanup(func() { machine.Root = before })
	for path, content := range f {
		full := filepath.Join(machine.Root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
