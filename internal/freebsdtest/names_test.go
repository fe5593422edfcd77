// Package freebsdtest is about the part for FreeBSD, which cannot be run here; see README.md. With the
// build tag freebsdtest its C files are compiled.
package freebsdtest

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// listed returns the names of FreeBSD's in testdata.
func listed(t *testing.T, kind string) []string {
	t.Helper()
	files, err := filepath.Glob("../../testdata/*." + kind + ".txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no lists of %s: %v", kind, err)
	}
	names := map[string]bool{}
	for _, file := range files {
		for line := range strings.Lines(read(t, file)) {
			fields := strings.Fields(line)
			if !strings.HasPrefix(line, "#") && (fields[1] == "all" || fields[1] == "freebsd") {
				names[fields[0]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// sources returns the files that the go command builds for FreeBSD: the system is in the file name.
func sources(t *testing.T) (files []string) {
	t.Helper()
	all, err := filepath.Glob("../../csrc/*.c")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if !strings.HasSuffix(file, "_linux.c") {
			files = append(files, file)
		}
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// found returns what the first group of the pattern matches.
func found(t *testing.T, pattern string, files ...string) []string {
	t.Helper()
	names := map[string]bool{}
	for _, file := range files {
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, file), -1) {
			names[match[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func compare(t *testing.T, have, want []string) {
	t.Helper()
	for _, name := range want {
		if !slices.Contains(have, name) {
			t.Errorf("%s is missing", name)
		}
	}
	for _, name := range have {
		if !slices.Contains(want, name) {
			t.Errorf("%s is not in testdata as one of FreeBSD's", name)
		}
	}
}

// The constants that scripts have on FreeBSD are those of the lists.
func TestConstants(t *testing.T) {
	compare(t, found(t, `(?m)^\s*(?:CONSTANT\(|\{")(\w+)`, "../../consts_freebsd.go", "../../constants_all.h"),
		listed(t, "constants"))
}

// Likewise the functions.
func TestFunctions(t *testing.T) {
	var files []string
	for _, file := range sources(t) {
		if strings.HasPrefix(filepath.Base(file), "api_") && filepath.Base(file) != "api_helper.c" {
			files = append(files, file)
		}
	}
	compare(t, found(t, `\{"(\w+)",\s+l_\w+\}`, files...), listed(t, "functions"))
}

// Every family of calls of FreeBSD's is in its list, and none of Linux's.
func TestFamilies(t *testing.T) {
	list := read(t, "../../csrc/api_families_freebsd.c")
	for _, file := range sources(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".c")
		family, isFamily := strings.CutPrefix(strings.TrimSuffix(name, "_freebsd"), "api_")
		if !isFamily || slices.Contains([]string{"families", "fields", "helper", "libjail", "memory"}, family) {
			continue
		}
		if !strings.Contains(list, "initscript_"+family+"_functions") {
			t.Errorf("%s is not among the families", file)
		}
	}
}
