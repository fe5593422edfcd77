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
	if found < 9 {
		t.Errorf("the example is in %d files only", found)
	}
}
