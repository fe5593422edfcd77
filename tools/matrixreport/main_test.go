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
	return fmt.Sprintf(`{"Action":"output","Package":"p","Test":%q,"Output":%q} `+
		`{"Action":"skip","Package":"p","Test":%q} `, test, output, test)
}

func plan(packages ...string) (events string) {
	for _, name := range packages {
		events += fmt.Sprintf(`{"Action":"plan","Package":%q} `, name)
	}
	return events
}

func endEvent(name string) string {
	return fmt.Sprintf(`{"Action":"pass","Package":%q} `, name)
}

const passEvent = `{"Action":"pass","Package":"p","Test":"Passes"} `

func TestRows(t *testing.T) {
	allowances, err := readAllowances(writeFile(t, "skips", "# comment\n\nuser.* .* needs "+
		"root\nroot Test(A|B)/x .*\n"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, privilege, events string
		good                    bool
		text                    string // in the table
	}{
		{"all pass", "root", passEvent, true, "| d | root | 1 | 0 | 0 | 0 |"},
		{"allowed skip", "user-default", passEvent + skipEvents("T", "    f_test.go:12: needs "+
			"root\n--- SKIP: T (0.00s)\n"), true, "| user-default | needs root | 1 |"},
		{"skip of another privilege", "root", passEvent + skipEvents("T", "f_test.go:12: needs root\n"),
			false, "d, root: must not skip: T: needs root"},
		{"skip with more to say", "user", passEvent + skipEvents("T", "needs root and luck\n"), false,
			"must not skip: T: needs root and luck"},
		{"skip of several lines", "root", passEvent + skipEvents("TestB/x", "in\nanother\n"), true,
			"| root | in another | 1 |"},
		{"skip of another test", "root", passEvent + skipEvents("TestB/xy", "in\n"), false,
			"must not skip: TestB/xy"},
		{"failure", "root", passEvent + `{"Action":"fail","Package":"p","Test":"F"} ` +
			`{"Action":"fail","Package":"p"}`, false, "| 1 | 1 | 0 | 0 |"},
		{"package that fails", "root", passEvent + `{"Action":"fail","Package":"p"}`, false,
			"failed: p."},
		{"nothing ran", "root", ``, false, "d, root: no test has passed"},
		{"cut off", "root", passEvent + `{"Action":`, false, "unexpected EOF"},
		{"all planned packages", "root", plan("p", "q") + passEvent + endEvent("p") + endEvent("q"),
			true, "| 1 | 0 | 0 | 0 |"},
		{"cut off before a package", "root", plan("p", "q") + passEvent + endEvent("p"), false,
			"d, root: without an end: q."},
		{"cut off in a package", "root", plan("p") + passEvent, false, "without an end: p."},
		{"cut off in a package without a plan", "root", `{"Action":"start","Package":"p"}` + passEvent,
			false, "without an end: p."},
		{
			"cut off in a test",
			"root",
			passEvent + `{"Action":"run","Package":"p","Test":"T"}` + endEvent("p"),
			false,
			"without an end: p.T",
		},
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

// One bad row is enough.
func TestStatus(t *testing.T) {
	skips := writeFile(t, "skips", "user .* needs root\n")
	good := writeFile(t, "d.root.json", plan("p")+passEvent+endEvent("p"))
	skipping := writeFile(t, "d.user.json",
		plan("p")+passEvent+skipEvents("T", "needs root\n")+endEvent("p"))
	newSkip := writeFile(
		t,
		"d.user.json",
		plan("p")+passEvent+skipEvents("T", "needs luck\n")+endEvent("p"),
	)
	empty := writeFile(t, "d.user.json", "")
	missing := filepath.Join(t.TempDir(), "e.root.json")
	for _, test := range []struct {
		name   string
		args   []string
		status int
		output string
	}{
		{"good rows", []string{skips, good, skipping}, 0, "| user | needs root | 1 |"},
		{"new skip", []string{skips, newSkip, good}, 1, "d, user: must not skip: T: needs luck"},
		{"empty row", []string{skips, good, empty}, 1, "d, user: no test has passed"},
		{"row without a file", []string{skips, missing, good}, 1, "e, root: open "},
		{"no rows", []string{skips}, 2, "usage: "},
		{"no list of skips", []string{missing, good}, 2, "matrixreport: open "},
	} {
		t.Run(test.name, func(t *testing.T) {
			var output strings.Builder
			if status := report(&output, &output, test.args); status != test.status ||
				!strings.Contains(output.String(), test.output) {
				t.Errorf("status %d, want %d; want %q in\n%s", status, test.status, test.output, &output)
			}
		})
	}
}

func TestAllowedSkipsOfThisRepository(t *testing.T) {
	if _, err := readAllowances("../../docker/skips"); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"user needs", "user ( x"} {
		if _, err := readAllowances(writeFile(t, "skips", bad)); err == nil ||
			!strings.Contains(err.Error(), ":1: ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
