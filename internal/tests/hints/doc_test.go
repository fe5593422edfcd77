package hints_test

import (
	"context"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
)

// documentedErrors make the errors of docs/reference/errors.md that have no hint, or the kind of which
// no case of the hints has. Their texts, and those of the cases, are all that the page may show.
var documentedErrors = map[string]func(*testing.T) error{
	"Env[0]: \"no equals sign\" is not of the form key=value": func(t *testing.T) error {
		cmd := testkit.Command(t, "")
		cmd.Env = []string{"no equals sign"}
		return cmd.Run()
	},
	"init.script:2: boom": func(t *testing.T) error {
		return testkit.Command(t,
			"\nerror('boom')").Run()
	},
	"init.script: the script's memory limit is exhausted": func(t *testing.T) error {
		cmd := testkit.Command(t, "s = string.rep('x', 2^26)")
		cmd.MemoryLimit = 4 << 20
		return cmd.Run()
	},
	"init.script: killed by signal: killed": func(t *testing.T) error {
		return testkit.Command(t, "require('ffi').cdef('int raise(int);') "+
			"require('ffi').C.raise(9)").Run()
	},
	"init.script: the script has ended the process with status 0; what was to follow did not " +
		"run": func(t *testing.T) error {
		return testkit.Command(t, "os.exit(0)", "true").Run()
	},
	"exec nothing: not found in the PATH of the given environment": func(t *testing.T) error {
		cmd := testkit.Command(t, "", "nothing")
		cmd.Env = []string{"PATH=/usr/bin:/bin"}
		return cmd.Run()
	},
	"exit status 3": func(t *testing.T) error {
		return testkit.Command(t, "", "/bin/sh", "-c", "exit 3").Run()
	},
	"signal: killed": func(t *testing.T) error {
		return testkit.Command(t, "", "/bin/sh", "-c", "kill -KILL $$").Run()
	},
	"context deadline exceeded": func(t *testing.T) error {
		ctx, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		return initscript.CommandContext(ctx, "/bin/true").Run()
	},
}

// shownTexts returns the lines of the blocks marked "text"; an indented one continues the one before.
func shownTexts(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/reference/errors.md")
	testkit.Must(t, err)
	var texts []string
	for _, block := range regexp.MustCompile("(?s)```text\n(.*?)```").FindAllStringSubmatch(string(page),
		-1) {
		for line := range strings.Lines(block[1]) {
			line = strings.TrimSuffix(line, "\n")
			if rest, continues := strings.CutPrefix(line, "    "); continues && len(texts) > 0 {
				texts[len(texts)-1] += " " + rest
			} else if line != "" {
				texts = append(texts, line)
			}
		}
	}
	return texts
}

// What docs/reference/errors.md shows is what the tests provoke, and all of that.
func TestErrorsPage(t *testing.T) {
	want := make(map[string]bool)
	for text := range documentedErrors {
		want[text] = true
	}
	wanted := func(text, hint string) {
		want[text] = true
		if hint != "" {
			want["hint: "+hint] = true
		}
	}
	for _, c := range hintCases {
		wanted(c.error, c.hint)
	}
	for _, c := range machineCases {
		wanted(c.error, c.hint)
	}
	shown := shownTexts(t)
	for _, text := range shown {
		if !want[text] {
			t.Errorf("shown, but nothing provokes it: %s", text)
		}
	}
	for _, text := range slices.Sorted(maps.Keys(want)) {
		if !slices.Contains(shown, text) {
			t.Errorf("not shown: %s", text)
		}
	}
}

func TestDocumentedErrors(t *testing.T) {
	for text, provoke := range documentedErrors {
		t.Run(text, func(t *testing.T) {
			if err := provoke(t); err == nil || err.Error() != text {
				t.Errorf("%v", err)
			}
		})
	}
}
