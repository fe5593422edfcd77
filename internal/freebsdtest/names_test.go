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

	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/lua"
)

// defined returns the names of FreeBSD's: functions of the table C, and constants.
func defined(t *testing.T) (functions, constants []string) {
	t.Helper()
	blocks, err := definitions.Parse(lua.Definitions)
	if err != nil {
		t.Fatal(err)
	}
	isHere := func(origin string) bool {
		system := definitions.System(origin)
		return system == "" || system == "freebsd"
	}
	for _, block := range blocks {
		name, inC := strings.CutPrefix(block.Name, "C.")
		if block.Kind == definitions.Function && inC && isHere(block.Origin()) {
			functions = append(functions, name)
		}
		if block.IsConstants() {
			for _, field := range block.Fields {
				if origin, _ := field.Origin(); isHere(origin) {
					constants = append(constants, field.Name)
				}
			}
		}
	}
	if len(functions) == 0 || len(constants) == 0 {
		t.Fatal("nothing is defined")
	}
	return functions, constants
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
			t.Errorf("%s is not defined as one of FreeBSD's", name)
		}
	}
}

// The constants that scripts have on FreeBSD are those that are defined.
func TestConstants(t *testing.T) {
	_, constants := defined(t)
	compare(
		t,
		found(t, `(?m)^\s*(?:CONSTANT\(|\{")(\w+)`, "../../consts_freebsd.go", "../../constants_all.h"),
		constants,
	)
}

// Likewise the functions.
func TestFunctions(t *testing.T) {
	functions, _ := defined(t)
	var files []string
	for _, file := range sources(t) {
		if strings.HasPrefix(filepath.Base(file), "api_") && filepath.Base(file) != "api_helper.c" {
			files = append(files, file)
		}
	}
	compare(t, found(t, `\{"(\w+)",\s+l_\w+\}`, files...), functions)
}

// Every family of calls of FreeBSD's is in its list, and none of Linux's.
func TestFamilies(t *testing.T) {
	list := read(t, "../../csrc/api_families_freebsd.c")
	for _, file := range sources(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".c")
		family, isFamily := strings.CutPrefix(strings.TrimSuffix(name, "_freebsd"), "api_")
		if !isFamily ||
			slices.Contains([]string{"families", "fields", "helper", "libjail", "memory"}, family) {
			continue
		}
		if !strings.Contains(list, "initscript_"+family+"_functions") {
			t.Errorf("%s is not among the families", file)
		}
	}
}
