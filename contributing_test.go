package initscript_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// CONTRIBUTING.md says of each file that knows a system call by its name that a new one goes there.
// The example is a call that nothing uses.
func TestContributingNamesEveryFile(t *testing.T) {
	example := regexp.MustCompile(`\blchown\b`)
	guide, err := os.ReadFile("CONTRIBUTING.md")
	must(t, err)
	found := 0
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
		isPage := strings.HasPrefix(path, "docs/man/") // "the manual page"
		isTable := path == "seccomp/syscalls.go"       // generated, with every call that Linux has
		if path == "contributing_test.go" || strings.HasSuffix(path, ".test") ||
			isPage || isTable || !example.Match(text) {
			return nil
		}
		found++
		if !strings.Contains(string(guide), "`"+path+"`") {
			t.Errorf("%s is not mentioned", path)
		}
		return nil
	}))
	if found < 6 {
		t.Errorf("the example is in %d files only", found)
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
	sources := make(map[string]bool)
	must(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, function := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllSubmatch(text, -1) {
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
