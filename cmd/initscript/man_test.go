//go:build (linux || freebsd) && cgo

package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-initscript/initscript/internal/manpage"
)

var update = flag.Bool("update", false,
	"write docs/reference/man/initscript.1 anew, as go generate does")

func TestManPageIsUpToDate(t *testing.T) {
	path := filepath.Join(repository, "docs/reference/man/initscript.1")
	made := manpage.FromCommand(newRootCommand())
	if *update {
		if err := os.WriteFile(path, []byte(made), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if made != string(committed) {
		t.Error("docs/reference/man/initscript.1 is not what the help says: run go generate .")
	}
}
