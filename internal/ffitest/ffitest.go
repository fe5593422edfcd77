// Package ffitest lets tests of scripts that call functions of the C library know where that works.
package ffitest

import (
	"debug/elf"
	"slices"
	"strings"
	"testing"
)

// Require skips the test if the script declares functions for ffi.C and this program is linked
// statically: dlsym(3) finds none there.
func Require(t testing.TB, script string) {
	t.Helper()
	if !strings.Contains(script, "cdef") ||
		!strings.Contains(script, ".C.") && !strings.Contains(script, ".C[") {
		return
	}
	if Static(t) {
		t.Skip("needs ffi.C, which finds no functions in a program that is linked statically")
	}
}

// Static reports whether this program is linked statically: it names no dynamic loader.
func Static(t testing.TB) bool {
	t.Helper()
	program, err := elf.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	return !slices.ContainsFunc(program.Progs,
		func(segment *elf.Prog) bool { return segment.Type == elf.PT_INTERP })
}
