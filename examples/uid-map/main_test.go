package main

import (
	"strings"
	"testing"

	"github.com/go-initscript/initscript/examples/internal/exampletest"
	"github.com/go-initscript/initscript/internal/testkit"
)

func TestRun(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		var output strings.Builder
		if err := run(exampletest.Context(t), &output); err != nil {
			t.Fatal(err)
		}
		if want := "user 0, group 0\n"; output.String() != want {
			t.Errorf("output %q, want %q", output.String(), want)
		}
	})
}
