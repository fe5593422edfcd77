package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestManPageIsUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "initscript.1")
	if out, err := newProcess(t, "initscript", "man", path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	made, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile(filepath.Join(repository, "docs/man/initscript.1"))
	if err != nil {
		t.Fatal(err)
	}
	if string(made) != string(committed) {
		t.Error("docs/man/initscript.1 is not what the help says: run go generate .")
	}
}
