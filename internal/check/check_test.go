package check_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/check"
	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/testkit"
)

func kernel(t testing.TB, text string) definitions.Version {
	t.Helper()
	version, err := definitions.ParseVersion(text)
	testkit.Must(t, err)
	return version
}

func abi(n int) *int { return &n }

func lines(list []check.Diagnostic) []string {
	var text []string
	for _, d := range list {
		text = append(text, d.String())
	}
	return text
}

// forLuaHost matches what is Lua and no init script: hosts, and what runs in actors.
var forLuaHost = regexp.MustCompile(
	`examples/lua-namespaces/|luahost/|lua-host\.md$|lua/initscript-host\.d\.lua$`,
)

// What ships with the project is free of mistakes.
func TestShippedScripts(t *testing.T) {
	codeBlock := regexp.MustCompile("(?ms)^ *```lua\n(.*?)^ *```")
	definitionExample := regexp.MustCompile("(?s)---```lua\n(.*?)---```")
	scripts := 0
	testkit.Must(t, filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || forLuaHost.MatchString(path) {
			return err
		}
		text, err := os.ReadFile(path)
		testkit.Must(t, err)
		var sources []string
		switch {
		case strings.HasSuffix(path, ".d.lua"):
			for _, match := range definitionExample.FindAllStringSubmatch(string(text), -1) {
				sources = append(sources, strings.ReplaceAll(match[1], "---", ""))
			}
		case strings.HasSuffix(path, ".lua"):
			sources = append(sources, string(text))
		case strings.HasSuffix(path, ".md") && filepath.Base(path) != "check.md":
			for _, match := range codeBlock.FindAllStringSubmatch(string(text), -1) {
				sources = append(sources, match[1])
			}
		}
		for _, source := range sources {
			scripts++
			target := "linux"
			if regexp.MustCompile(`C\.(unmount|cap_enter|caph_|jail_)`).MatchString(source) {
				target = "freebsd"
			}
			for _, d := range check.Check(source, check.Options{Target: target}) {
				t.Errorf("%s: %v\n%s", path, d, strings.Split(source, "\n")[d.Line-1])
			}
		}
		return nil
	}))
	if scripts < 100 {
		t.Errorf("only %d scripts", scripts)
	}
}

// The recipes say which kernel they need.
func TestKernelsOfRecipes(t *testing.T) {
	tests := []struct{ file, kernel, want string }{
		{"lua/recipes/read-only-host.lua", "5.1", "C.open_tree needs Linux 5.2, the target is 5.1"},
		{"lua/recipes/read-only-host.lua", "5.11", "C.mount_setattr needs Linux 5.12, the target " +
			"is 5.11"},
		{"lua/recipes/read-only-host.lua", "5.12", ""},
		{"lua/recipes/landlock-jail.lua", "5.12", "C.landlock_create_ruleset needs Linux 5.13, " +
			"the target is 5.12"},
		{"lua/recipes/landlock-jail.lua", "5.13", ""}, // which asks for the ABI
		{"examples/rootless-box.lua", "5.11", ""},     // which tries
	}
	for _, test := range tests {
		text, err := os.ReadFile("../../" + test.file)
		testkit.Must(t, err)
		got := strings.Join(lines(check.Check(string(text),
			check.Options{Kernel: kernel(t, test.kernel)})), "\n")
		if !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%s on Linux %s: %q, want %q", test.file, test.kernel, got, test.want)
		}
	}
}
