package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/examples/internal/exampletest"
)

func TestMain(m *testing.M) {
	initscript.Main()
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte("abc"), 0o644); err != nil {
			t.Fatal(err)
		}
		var output strings.Builder
		if err := run(exampletest.Context(t), []string{path, path}, &output); err != nil {
			t.Fatal(err)
		}
		line := "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  " + path + "\n"
		if output.String() != line+line {
			t.Errorf("%q", output.String())
		}
	})
}

func TestMissingFile(t *testing.T) {
	err := run(exampletest.Context(t), []string{"/no/such/file"}, &strings.Builder{})
	if err == nil || !strings.Contains(err.Error(), "open /no/such/file: no such file or directory") {
		t.Errorf("%v", err)
	}
}
