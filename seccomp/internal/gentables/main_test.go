//go:build linux && (386 || amd64 || arm || arm64)

package main

import (
	"bytes"
	"go/format"
	"os"
	"testing"
)

// The tables say what the packages say that they are made from.
func TestTablesAreFresh(t *testing.T) {
	for file, table := range tables {
		want, err := table()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("seccomp/%s is stale: run go generate ./seccomp", file)
		}
		if formatted, err := format.Source(want); err != nil || !bytes.Equal(formatted, want) {
			t.Errorf("%s is not as gofmt would have it: %v", file, err)
		}
	}
}
