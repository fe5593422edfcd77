package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-initscript/initscript/examples/internal/exampletest"
)

const marker = "CONFINE_SELF_TEST"

// TestMain lets the test program be the example, which cannot go back to being anything else.
func TestMain(m *testing.M) {
	if os.Getenv(marker) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		directory := t.TempDir()
		inside, outside := filepath.Join(directory, "file"), "/etc/passwd"
		if err := os.WriteFile(inside, []byte("inside\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(exampletest.Context(t), "/proc/self/exe", directory, inside, outside)
		cmd.Env = append(os.Environ(), marker+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if want := "200 OK: inside\n403 Forbidden: permission denied\n"; string(out) != want {
			t.Errorf("output %q, want %q", out, want)
		}
	})
}
