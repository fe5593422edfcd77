package initscript_test

import (
	"go/build"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/go-initscript/initscript"

// addImports adds what the package in the directory imports beside the standard library, and what those of
// them do that are of this module.
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

// A program that compiles no policies is not linked with what that needs, and never with libpsx, with which
// libcap would change capabilities in another way for all C code of the program.
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
