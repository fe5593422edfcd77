package main

import (
	"os"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/examples/internal/exampletest"
	"github.com/go-initscript/initscript/internal/testkit"
)

// TestMain lets the test program be the process in the namespace, as the example itself is.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == inside {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		exampletest.RequireProgram(t, "ip")
		var output strings.Builder
		if err := run(exampletest.Context(t), &output); err != nil {
			t.Fatal(err)
		}
		const want = "interface lo: up|loopback|running\nreceived: over 127.0.0.1\n"
		if output.String() != want {
			t.Errorf("output %q, want %q", output.String(), want)
		}
	})
}
