//go:build linux

package testkit

import (
	"bytes"
	"os"
	"testing"
)

// ProgramWithLoader returns a copy of a dynamic program with another loader.
func ProgramWithLoader(t *testing.T, loader string) []byte {
	t.Helper()
	program, err := os.ReadFile("/bin/true")
	Must(t, err)
	start := bytes.Index(program, []byte("/lib"))
	if start < 0 {
		t.Fatal("/bin/true has no loader")
	}
	end := start + bytes.IndexByte(program[start:], 0)
	if end-start < len(loader) {
		t.Fatalf("the loader %s is too short to overwrite", program[start:end])
	}
	copy(program[start:], loader+"\x00")
	return program
}
