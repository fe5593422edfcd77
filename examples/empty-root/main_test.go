package main

import (
	"slices"
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
		lines := slices.Sorted(strings.Lines(output.String()))
		want := []string{
			"- file\n",
			"d directory/\n",
			"entries of the root directory: 2\n",
			"open /etc/passwd: no such file or directory\n",
		}
		if !slices.Equal(lines, want) {
			t.Errorf("output %q, want %q in any order", lines, want)
		}
	})
}
