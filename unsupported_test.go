package initscript_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"testing"

	"github.com/go-initscript/initscript"
)

// exportingFiles returns the file that declares each exported name, and each exported method of an
// exported type, in a package as the go command would build it.
func exportingFiles(t *testing.T, directory string, platform build.Context) map[string]string {
	t.Helper()
	pkg, err := platform.ImportDir(directory, 0)
	must(t, err)
	if len(pkg.CgoFiles) == 0 && len(pkg.CFiles) > 0 {
		t.Errorf("%s on %s: the go command refuses C files without cgo: %q",
			directory, platform.GOOS, pkg.CFiles)
	}
	files := make(map[string]string)
	for _, name := range slices.Concat(pkg.GoFiles, pkg.CgoFiles) {
		path := filepath.Join(directory, name)
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		must(t, err)
		ast.FileExports(file)
		for _, declaration := range file.Decls {
			for _, declared := range declaredNames(declaration) {
				if ast.IsExported(declared) { // not a method of a type that is not
					files[declared] = name
				}
			}
		}
	}
	return files
}

func declaredNames(declaration ast.Decl) (names []string) {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
		receiver := d.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		return []string{fmt.Sprintf("%s.%s", receiver, d.Name.Name)}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			case *ast.ValueSpec:
				for _, name := range s.Names {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}

// The API is declared, and documented, once for all systems. It is there also where init scripts cannot
// run, so that a program can be compiled. No build tag changes it.
func TestUnsupportedAPI(t *testing.T) {
	for _, directory := range []string{".", "luahost", "mailbox"} {
		platform := build.Default
		platform.GOOS, platform.GOARCH, platform.CgoEnabled = "linux", "amd64", true
		want := exportingFiles(t, directory, platform)
		if len(want) < 3 {
			t.Fatalf("%s: nothing found: %q", directory, want)
		}
		for _, other := range []struct {
			os   string
			cgo  bool
			tags []string
		}{
			{"linux", true, []string{"luajit"}},
			{"linux", false, []string{"initscript_unsupported"}},
			{"freebsd", true, nil},
			{"freebsd", false, []string{"initscript_unsupported"}},
			{"darwin", true, nil},
			{"darwin", true, []string{"luajit"}},
			{"windows", false, nil},
		} {
			platform.GOOS, platform.CgoEnabled, platform.BuildTags = other.os, other.cgo, other.tags
			got := exportingFiles(t, directory, platform)
			if !other.cgo && directory == "luahost" { // nor is there golua
				got["State"] = want["State"]
			}
			for name, file := range got {
				if _, ok := want[name]; !ok {
					t.Errorf("%s on %s: %s of %s is not in the API", directory, other.os, name, file)
				}
			}
			for name, file := range want {
				if got[name] != file {
					t.Errorf("%s on %s: %s is in %q, not in %s",
						directory, other.os, name, got[name], file)
				}
			}
		}
	}
}

func ExampleErrUnsupported() {
	err := initscript.Command("/bin/true").Run()
	if errors.Is(err, initscript.ErrUnsupported) { // on another system, or without cgo
		fmt.Println("the program cannot be confined here, and is not started")
		return
	}
	fmt.Println(err)
	// Output: <nil>
}
