package initscript_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/format"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-initscript/initscript"
)

// api returns the exported declarations of a package as the go command would build it, by name, without
// comments, white space, bodies, values, and what is not exported in them.
func api(t *testing.T, directory string, platform build.Context) map[string]string {
	t.Helper()
	pkg, err := platform.ImportDir(directory, 0)
	must(t, err)
	if len(pkg.CgoFiles) == 0 && len(pkg.CFiles) > 0 {
		t.Errorf("%s on %s: the go command refuses C files without cgo: %q", directory, platform.GOOS, pkg.CFiles)
	}
	declarations := make(map[string]string)
	add := func(name string, node any) {
		if !ast.IsExported(name) { // a method of a type that is not
			return
		}
		var text bytes.Buffer
		must(t, format.Node(&text, token.NewFileSet(), node))
		declarations[name] = strings.Join(strings.Fields(text.String()), "")
	}
	for _, name := range slices.Concat(pkg.GoFiles, pkg.CgoFiles) {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(directory, name), nil, parser.SkipObjectResolution)
		must(t, err)
		ast.FileExports(file)
		for _, declaration := range file.Decls {
			addDeclaration(declaration, add)
		}
	}
	return declarations
}

func addDeclaration(declaration ast.Decl, add func(name string, node any)) {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			d.Recv.List[0].Names = nil
			name = fmt.Sprintf("%s.%s", d.Recv.List[0].Type, name)
			if star, ok := d.Recv.List[0].Type.(*ast.StarExpr); ok {
				name = fmt.Sprintf("%s.%s", star.X, d.Name.Name)
			}
		}
		add(name, &ast.FuncDecl{Recv: d.Recv, Name: d.Name, Type: d.Type})
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				ast.Inspect(s, withoutNotes)
				add(s.Name.Name, s.Type)
			case *ast.ValueSpec:
				for _, name := range s.Names {
					add(name.Name, &ast.ValueSpec{Names: []*ast.Ident{name}, Type: s.Type})
				}
			}
		}
	}
}

func withoutNotes(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.StructType:
		n.Incomplete = false // which prints a comment
	case *ast.Field:
		n.Doc, n.Comment = nil, nil
	}
	return true
}

// Where init scripts cannot run, the API is the same, so that a program can be compiled; and no build tag
// changes it.
func TestUnsupportedAPI(t *testing.T) {
	for _, directory := range []string{".", "luahost", "mailbox"} {
		platform := build.Default
		platform.GOOS, platform.GOARCH, platform.CgoEnabled = "linux", "amd64", true
		want := api(t, directory, platform)
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
			{"darwin", true, nil},
			{"darwin", true, []string{"luajit"}},
			{"windows", false, nil},
		} {
			platform.GOOS, platform.CgoEnabled, platform.BuildTags = other.os, other.cgo, other.tags
			got := api(t, directory, platform)
			if !other.cgo && directory == "luahost" { // nor is there golua
				got["State"] = want["State"]
			}
			for name := range got {
				if _, ok := want[name]; !ok {
					t.Errorf("%s on %s has %s, which is not in the API", directory, other.os, name)
				}
			}
			for name, text := range want {
				if got[name] != text {
					t.Errorf("%s on %s: %s is %q, not %q", directory, other.os, name, got[name], text)
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
