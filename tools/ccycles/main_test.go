package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCycles(t *testing.T) {
	graph := needs{
		"a.c": {"b.c": {"b"}},
		"b.c": {"c.c": {"c1", "c2"}, "d.c": {"d"}},
		"c.c": {"b.c": {"b"}},
		"d.c": {},
		"e.c": {"f.c": {"f"}},
		"f.c": {"e.c": {"e"}, "d.c": {"d"}},
	}
	want := []string{
		"2 files need each other:\n\tb.c needs c.c for c1, c2\n\tc.c needs b.c for b",
		"2 files need each other:\n\te.c needs f.c for f\n\tf.c needs e.c for e",
	}
	if got := cycles(graph); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := cycles(needs{"a.c": {"b.c": {"b"}}, "b.c": {}}); len(got) > 0 {
		t.Errorf("no cycle, but %q", got)
	}
}

func TestUpward(t *testing.T) {
	graph := needs{
		"util_a.c":       {"sys_b_linux.c": {"b"}},
		"sys_b_linux.c":  {"util_a.c": {"a"}},
		"api_c.c":        {"script_d.c": {"d"}, "util_a.c": {"a"}},
		"script_d.c":     {"api_c.c": {"c"}},
		"corridor.c":     {},
		"role_server.c":  {"message_e.c": {"e"}, "api_c.c": {"c"}},
		"message_e.c":    {"lua_f.c": {"f"}},
		"lua_f.c":        {"role_server.c": {"serve", "reap"}},
		"tell_report.c":  {},
		"role_exec_it.c": {"tell_report.c": {"report"}},
	}
	want := []string{
		"corridor.c is in none of the rooms of tools/ccycles/rooms.go",
		"lua_f.c needs role_server.c, of a higher room, for serve, reap",
		"util_a.c needs sys_b_linux.c, of a higher room, for b",
	}
	if got := upward(graph); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestIncludes(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"util_a.c": "#include \"wire.h\"\n#include <sys_b.h>\n// #include \"sys_b.h\"\n",
		"util_d.h": "#include \"wire.h\"\n#include \"sys_b.h\"\n",
		"api.h":    "#include \"script.h\"\n#include \"sys_b.h\"\n",
		"script.h": "#include \"role_e.h\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	graph, err := includesOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"script.h needs role_e.h, of a higher room, for what it declares",
		"util_d.h needs sys_b.h, of a higher room, for what it declares",
	}
	if got := upward(graph); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCompiledFiles(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command: " + err.Error()) // which an ordinary user may lack
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.c": "int b(void); int a(void) { return b(); }",
		"b.c": "int a(void); extern int c; int b(void) { return c ? a() : 0; }",
		"c.c": "__attribute__((weak)) int a(void); int c; int d(void) { return a ? 1 : 0; }",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := []string{"a.c", "b.c", "c.c"}
	graph, err := compileAll(dir, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(graph["b.c"]["c.c"], []string{"c"}) || len(graph["c.c"]) > 0 {
		t.Errorf("%v", graph)
	}
	found := cycles(graph)
	if len(found) != 1 || !strings.Contains(found[0], "a.c needs b.c for b") {
		t.Errorf("%q", found)
	}
	if _, err := compileAll(dir, append(files, "missing.c"), nil); err == nil {
		t.Error("a missing file is no error")
	}
}
