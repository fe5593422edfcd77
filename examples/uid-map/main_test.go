package main

import (
	"strings"
	"testing"

	"github.com/go-initscript/initscript/examples/internal/exampletest"
)

func TestRun(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		exampletest.RequireUserNamespaces(t)
		var output strings.Builder
		if err := run(exampletest.Context(t), &output); err != nil {
			t.Fatal(err)
		}
		if want := "user 0, group 0\n"; output.String() != want {
			t.Errorf("output %q, want %q", output.String(), want)
		}
	})
}
