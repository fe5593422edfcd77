package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/ffitest"
)

// newSourceTree shows the repository, with the command under test as what make has built.
func newSourceTree(t *testing.T) string {
	t.Helper()
	tree := t.TempDir()
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() == "bin" || entry.Name() == ".git" {
			continue
		}
		if err := os.Symlink(filepath.Join(root, entry.Name()),
			filepath.Join(tree, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	command, err := exec.LookPath("initscript")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(command)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(tree, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tree, "bin/initscript"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	return tree
}

// inTree runs a program of the tree with more environment. What it takes depends on the machine: the
// timeout of the whole test is its own.
func inTree(t *testing.T, tree string, environment []string, name string, args ...string) (string,
	error) {
	t.Helper()
	process := exec.CommandContext(t.Context(), filepath.Join(tree, name), args...)
	process.Env = append(os.Environ(), environment...)
	out, err := process.CombinedOutput()
	return string(out), err
}

// filesBelow returns the paths of all files, relative to the directory.
func filesBelow(t *testing.T, directory string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(directory, path)
		files = append(files, relative)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// belongsToCommand are the files beside the command: where they go, and which they are.
var belongsToCommand = []struct{ directory, files string }{
	{"share/man/man1", "docs/reference/man/*.1"},
	{"share/man/man7", "docs/reference/man/*.7"},
	{"share/initscript/lua", "lua/*.d.lua"},
	{"share/initscript/lua", "lua/*.json"},
	{"share/initscript/recipes", "lua/recipes/*.lua"},
	{"share/initscript/recipes", "examples/rootless-box.lua"},
	{"share/doc/initscript/docs", "docs/*.md"},
	{"share/doc/initscript/docs/guide", "docs/guide/*.md"},
	{"share/doc/initscript/docs/reference", "docs/reference/*.md"},
	{"share/doc/initscript/docs/internals", "docs/internals/*"},
}

var completionFiles = []string{
	"share/bash-completion/completions/initscript",
	"share/zsh/site-functions/_initscript",
	"share/fish/vendor_completions.d/initscript.fish",
}

func TestInstall(t *testing.T) {
	tree, destination := newSourceTree(t), t.TempDir()
	environment := []string{"DESTDIR=" + destination, "PREFIX=/opt/tools"}
	if out, err := inTree(t, tree, environment, "tools/install"); err != nil || out != "" {
		t.Fatalf("%v: %s", err, out)
	}
	prefix := filepath.Join(destination, "opt/tools")
	files := filesBelow(t, prefix)
	for _, group := range belongsToCommand {
		sources, err := filepath.Glob(filepath.Join(repository, group.files))
		if err != nil || len(sources) == 0 {
			t.Fatalf("%s: %q, %v", group.files, sources, err)
		}
		for _, source := range sources {
			if file := filepath.Join(group.directory, filepath.Base(source)); !slices.Contains(files,
				file) {
				t.Errorf("%s is not installed", file)
			}
		}
	}
	for _, file := range completionFiles {
		text, err := os.ReadFile(filepath.Join(prefix, file))
		if err != nil || !strings.Contains(string(text), "initscript") {
			t.Errorf("%s: %v, %.100q", file, err, text)
		}
	}
	for _, file := range files {
		info, err := os.Stat(filepath.Join(prefix, file))
		want := fs.FileMode(0o644)
		if file == "bin/initscript" {
			want = 0o755
		}
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
	if !slices.Equal(filesBelow(t, destination), prepend("opt/tools/", files)) {
		t.Errorf("there are files outside of the prefix: %q", filesBelow(t, destination))
	}
	worksAt(t, prefix)

	if out, err := inTree(t, tree, environment, "tools/install", "--remove"); err != nil || out != "" {
		t.Fatalf("remove: %v: %s", err, out)
	}
	if left := filesBelow(t, destination); len(left) > 0 {
		t.Errorf("not removed: %q", left)
	}
	for _, directory := range []string{"share/initscript", "share/doc/initscript"} {
		if _, err := os.Stat(filepath.Join(prefix, directory)); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", directory, err)
		}
	}
}

func prepend(prefix string, list []string) []string {
	var longer []string
	for _, text := range list {
		longer = append(longer, prefix+text)
	}
	return longer
}

// worksAt has the installed command look at the installed recipes, and run a program.
func worksAt(t *testing.T, prefix string) {
	t.Helper()
	recipes, err := filepath.Glob(filepath.Join(prefix, "share/initscript/recipes/*.lua"))
	if err != nil || len(recipes) == 0 {
		t.Fatalf("%q, %v", recipes, err)
	}
	command := filepath.Join(prefix, "bin/initscript")
	out, err := newProcess(t, command, append([]string{"check"}, recipes...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("check: %v: %s", err, out)
	}
	out, err = newProcess(t, command, "run", "-e", `print("script")`, "--", "/bin/echo",
		"program").CombinedOutput()
	if err != nil || string(out) != "script\nprogram\n" {
		t.Errorf("run: %v: %s", err, out)
	}
}

func TestInstallRefuses(t *testing.T) {
	tree := newSourceTree(t)
	for _, test := range []struct {
		name, prefix, argument, want string
		prepare                      func() error
	}{
		{"relative prefix", "PREFIX=usr", "", "install: PREFIX usr: not an absolute path\n", nil},
		{"unknown argument", "PREFIX=/usr", "--delete", "install: usage: install [--remove]\n", nil},
		{"nothing is built", "PREFIX=/usr", "", "install: there is no bin/initscript: run make first\n",
			func() error { return os.Remove(filepath.Join(tree, "bin/initscript")) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.prepare != nil {
				if err := test.prepare(); err != nil {
					t.Fatal(err)
				}
			}
			destination := t.TempDir()
			var args []string
			if test.argument != "" {
				args = append(args, test.argument)
			}
			out, err := inTree(t, tree, []string{"DESTDIR=" + destination, test.prefix}, "tools/install",
				args...)
			if err == nil || out != test.want || len(filesBelow(t, destination)) > 0 {
				t.Errorf("%v: %s%q", err, out, filesBelow(t, destination))
			}
		})
	}
}

// The package is taken apart, not installed; what it depends on is here.
func TestDeb(t *testing.T) {
	if withASan {
		t.Skip("stripped of its symbols, the sanitizer does not start")
	}
	for _, program := range []string{"dpkg-deb", "dpkg-shlibdeps", "strip"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err) // this is no Debian
		}
	}
	tree, contents := newSourceTree(t), t.TempDir()
	environment := []string{"SOURCE_DATE_EPOCH=1700000000", "VERSION=1.2~test", "MAINTAINER=A " +
		"Name <name@example.org>",
		"DPKG_DEB_COMPRESSOR_TYPE=none"} // which takes a second, not ten
	if out, err := inTree(t, tree, environment, "tools/deb"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	packages, err := filepath.Glob(filepath.Join(tree, "bin/initscript_1.2~test_*.deb"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("%q, %v", packages, err)
	}
	shell := exec.CommandContext(t.Context(), "/bin/sh", "-c", `set -e
		dpkg-deb --field "$1" Package Version Maintainer Depends
		dpkg-deb --extract "$1" "$2"
		dpkg-deb --control "$1" "$2/DEBIAN"
		cd "$2"
		md5sum --quiet -c DEBIAN/md5sums
		dpkg-deb --contents "$1" |
			grep -vE '^(d|-)rwxr-xr-x root/root|^-rw-r--r-- root/root' || true`,
		"sh", packages[0], contents)
	out, err := shell.CombinedOutput()
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	want := []string{"Package: initscript", "Version: 1.2~test", "Maintainer: A Name <name@example.org>"}
	libraries := []string{"libc6", "libluajit-5.1-2"}
	if ffitest.Static(t) {
		libraries = nil
	}
	if err != nil || len(lines) < 3 || !slices.Equal(lines[:3], want) ||
		(len(lines) == 3) != (libraries == nil) {
		t.Fatalf("%v: %s", err, out)
	}
	for _, library := range libraries {
		if !strings.Contains(lines[3], library) {
			t.Errorf("it does not depend on %s: %s", library, lines[3])
		}
	}
	prefix := filepath.Join(contents, "usr")
	files := filesBelow(t, prefix)
	for _, file := range []string{
		"share/man/man1/initscript.1.gz", "share/man/man7/initscript-script.7.gz",
		"share/bash-completion/completions/initscript", "share/zsh/vendor-completions/_initscript",
		"share/fish/vendor_completions.d/initscript.fish", "share/initscript/lua/initscript.d.lua",
		"share/doc/initscript/copyright", "share/doc/initscript/changelog.gz",
	} {
		if !slices.Contains(files, file) {
			t.Errorf("%s is not in it", file)
		}
	}
	worksAt(t, prefix)
}
