package initscript_test

import (
	"go/build"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/go-initscript/initscript"

// addImports adds what the package in the directory imports beside the standard library, and what
// those of them do that are of this module.
func addImports(t *testing.T, directory string, imports map[string]bool) {
	t.Helper()
	platform := build.Default
	platform.BuildTags, platform.CgoEnabled = []string{"luajit"}, true
	pkg, err := platform.ImportDir(directory, 0)
	must(t, err)
	for _, path := range pkg.Imports {
		first, _, _ := strings.Cut(path, "/")
		if !strings.Contains(first, ".") || imports[path] {
			continue
		}
		imports[path] = true
		if inside, is := strings.CutPrefix(path, module+"/"); is {
			addImports(t, filepath.FromSlash(inside), imports)
		}
	}
}

// A program that compiles no policies is not linked with what that needs, and never with libpsx, with
// which libcap would change capabilities in another way for all C code of the program.
func TestProgramsDoWithoutPolicies(t *testing.T) {
	imports := map[string]bool{}
	addImports(t, ".", imports)
	if !imports[module+"/csrc"] {
		t.Fatalf("csrc is not among the imports %q", slices.Sorted(maps.Keys(imports)))
	}
	for path := range imports {
		for _, part := range []string{"/seccomp", "yaml", "golang.org/x/net", "libcap"} {
			if strings.Contains(path, part) {
				t.Errorf("the package needs %s", path)
			}
		}
	}
}

// layers are the packages that import others of this module, from the top to the bottom: one imports
// only what is in a later layer, or not here at all. What is not here imports nothing of this module.
var layers = [][]string{
	{"cmd/initscript", "tools/script-api", "bench", "examples/*", "examples/internal/*"},
	{"internal/actortest"},
	{"luahost", "internal/testkit"},
	{"."},
	{"internal/start"},
	{"internal/forkserver"},
	{"internal/check", "internal/doctor", "internal/generate", "internal/jailtest", "mailbox"},
	{"internal/manpage"},
	{
		"internal/actorself", "internal/definitions", "internal/hint", "internal/hoststate",
		"internal/machine/machinetest", "internal/trace",
	},
	{"internal/pidfd", "internal/seqpacket"},
}

// layerOf returns the number of the layer that the package is in; len(layers) if it is in none.
func layerOf(directory string) int {
	for i, layer := range layers {
		for _, pattern := range layer {
			if matches, _ := filepath.Match(pattern, directory); matches {
				return i
			}
		}
	}
	return len(layers)
}

// forEachPackage calls do for each package of the module that can be built here.
func forEachPackage(t *testing.T, do func(directory string, pkg *build.Package)) {
	t.Helper()
	platform := build.Default
	platform.BuildTags, platform.CgoEnabled = []string{"luajit"}, true
	found := 0
	must(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if name := entry.Name(); name == "testdata" || path != "." && (name[0] == '.' || name == "bin") {
			return filepath.SkipDir
		}
		if pkg, err := platform.ImportDir(path, 0); err == nil {
			found++
			do(path, pkg)
		}
		return nil
	}))
	if found < 20 {
		t.Errorf("only %d packages were found", found)
	}
}

// Imports point down, so that nothing below the package knows of it, and each layer can be read alone.
func TestImportsPointDown(t *testing.T) {
	forEachPackage(t, func(directory string, pkg *build.Package) {
		for _, path := range pkg.Imports {
			inside, is := strings.CutPrefix(path, module)
			if !is {
				continue
			}
			imported := "."
			if inside != "" {
				imported = inside[1:]
			}
			isGuard := directory == "csrc" && strings.HasPrefix(imported, "internal/golua_needs_")
			if layerOf(directory) >= layerOf(imported) && !isGuard {
				t.Errorf("%s imports %s, which is not below it: see layers in imports_test.go",
					directory, imported)
			}
		}
	})
}

// Go rebuilds a package for the headers of its own folder only. Those of csrc are embedded there, and so
// rebuild what imports it; so what includes one imports it.
func TestWhatIncludesHeadersImportsTheirPackage(t *testing.T) {
	include := regexp.MustCompile(`(?m)^(?:// )?#include "(?:\.\./)*csrc/`)
	including := 0
	forEachPackage(t, func(directory string, pkg *build.Package) {
		for _, file := range slices.Concat(pkg.CgoFiles, pkg.CFiles, pkg.HFiles) {
			text, err := os.ReadFile(filepath.Join(directory, file))
			must(t, err)
			if !include.Match(text) {
				continue
			}
			including++
			if !slices.Contains(pkg.Imports, module+"/csrc") {
				t.Errorf("%s includes a header of csrc, and the package does not import csrc",
					filepath.Join(directory, file))
			}
		}
		headers, err := filepath.Glob("csrc/*.h")
		must(t, err)
		if directory == "csrc" && (!slices.Contains(pkg.EmbedPatterns, "*.h") || len(headers) == 0) {
			t.Errorf("csrc embeds %q", pkg.EmbedPatterns)
		}
	})
	if including < 5 {
		t.Errorf("only %d files that include headers were found", including)
	}
}

// Nor is the command linked with what makes its manual page, of which each start would compile the
// regular expressions.
func TestCommandDoesWithoutManPages(t *testing.T) {
	imports := map[string]bool{}
	addImports(t, "cmd/initscript", imports)
	if !imports["github.com/spf13/cobra"] {
		t.Fatalf("cobra is not among the imports %q", slices.Sorted(maps.Keys(imports)))
	}
	for path := range imports {
		if strings.Contains(path, "md2man") || strings.Contains(path, "manpage") {
			t.Errorf("the command needs %s", path)
		}
	}
}
