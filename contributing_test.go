package initscript_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/generate"
)

// A system call is known by its name in three files that are written by hand: the function, its
// definition and its cases; what else knows it is generated, or a declaration for FreeBSD.
// CONTRIBUTING.md names all. The example is a call that nothing uses.
func TestContributingNamesEveryFile(t *testing.T) {
	example := regexp.MustCompile(`\blchown\b`)
	guide, err := os.ReadFile("CONTRIBUTING.md")
	must(t, err)
	generated, err := generate.Files(".")
	must(t, err)
	var byHand []string
	must(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path == ".git" || path == "bin" {
				return filepath.SkipDir
			}
			return nil
		}
		text, err := os.ReadFile(path)
		must(t, err)
		isTable := path == "seccomp/syscalls.go" // generated, with every call that Linux has
		if path == "contributing_test.go" || strings.HasSuffix(path, ".test") || isTable ||
			!example.Match(text) {
			return nil
		}
		isManual := strings.HasPrefix(path, "docs/reference/man/") // "the manual page"
		if !isManual && !strings.Contains(string(guide), path) {
			t.Errorf("%s is not mentioned", path)
		}
		if _, ok := generated[path]; !ok {
			byHand = append(byHand, path)
		}
		return nil
	}))
	if want := []string{
		"csrc/api_file.c", "internal/freebsdtest/include/unistd.h",
		"internal/tests/scriptapi/testdata/file_extensions.txtar", "lua/initscript.d.lua",
	}; !slices.Equal(byHand, want) {
		t.Errorf("written by hand are %q, want %q", byHand, want)
	}
}

// Each promise names the tests that hold it, and they are there.
func TestSecurityNamesTests(t *testing.T) {
	page, err := os.ReadFile("SECURITY.md")
	must(t, err)
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllSubmatch(page, -1)
	if len(named) < 30 {
		t.Errorf("only %d tests are named", len(named))
	}
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	sources := make(map[string]bool)
	must(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, function := range declaration.FindAllSubmatch(text, -1) {
			sources[string(function[1])] = true
		}
		return err
	}))
	for _, name := range named {
		if !sources[string(name[1])] {
			t.Errorf("%s is not there", name[1])
		}
	}
}
