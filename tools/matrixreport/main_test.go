package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func skipEvents(test, output string) string {
	return fmt.Sprintf(`{"Action":"output","Package":"p","Test":%q,"Output":%q} {"Action":"skip","Package":"p","Test":%q} `, test, output, test)
}

const passEvent = `{"Action":"pass","Package":"p","Test":"Passes"} `

func TestRows(t *testing.T) {
	allowances, err := readAllowances(writeFile(t, "skips", "# comment\n\nuser.* .* needs root\nroot Test(A|B)/x .*\n"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, privilege, events string
		good                    bool
		text                    string // in the table
	}{
		{"all pass", "root", passEvent, true, "| d | root | 1 | 0 | 0 | 0 |"},
		{"allowed skip", "user-default", passEvent + skipEvents("T", "    f_test.go:12: needs root\n--- SKIP: T (0.00s)\n"), true, "| user-default | needs root | 1 |"},
		{"skip of another privilege", "root", passEvent + skipEvents("T", "f_test.go:12: needs root\n"), false, "d, root: must not skip: T: needs root"},
		{"skip with more to say", "user", passEvent + skipEvents("T", "needs root and luck\n"), false, "must not skip: T: needs root and luck"},
		{"skip of several lines", "root", passEvent + skipEvents("TestB/x", "in\nanother\n"), true, "| root | in another | 1 |"},
		{"skip of another test", "root", passEvent + skipEvents("TestB/xy", "in\n"), false, "must not skip: TestB/xy"},
		{"failure", "root", passEvent + `{"Action":"fail","Package":"p","Test":"F"} {"Action":"fail","Package":"p"}`, false, "| 1 | 1 | 0 | 0 |"},
		{"package that fails", "root", passEvent + `{"Action":"fail","Package":"p"}`, false, "failed: p."},
		{"nothing ran", "root", ``, false, "d, root: no test has passed"},
		{"cut off", "root", passEvent + `{"Action":`, false, "unexpected EOF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := readRow(writeFile(t, "d."+test.privilege+".json", test.events))
			r.judge(allowances)
			var table strings.Builder
			print(&table, []*row{r})
			if r.isGood() != test.good || !strings.Contains(table.String(), test.text) {
				t.Errorf("good: %v, want %v; want %q in\n%s", r.isGood(), test.good, test.text, &table)
			}
		})
	}
}

func TestMissingRow(t *testing.T) {
	if r := readRow(filepath.Join(t.TempDir(), "d.root.json")); r.isGood() {
		t.Error("a row without a file is good")
	}
}

func TestAllowedSkipsOfThisRepository(t *testing.T) {
	if _, err := readAllowances("../../docker/skips"); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"user needs", "user ( x"} {
		if _, err := readAllowances(writeFile(t, "skips", bad)); err == nil || !strings.Contains(err.Error(), ":1: ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
