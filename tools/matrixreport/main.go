// Command matrixreport reads what the rows of the test matrix left, and prints a table with what
// passed, failed and was skipped, and why. The arguments are the file of the allowed skips and files
// DISTRIBUTION.PRIVILEGE.json with the output of test2json, with an event "plan" for each package
// before it. The status is 1 if a test failed, a row ran none or not all of its packages to their end,
// or a test was skipped that must not be.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// allowance is a line of the file of allowed skips.
type allowance struct {
	privilege, test, reason *regexp.Regexp
}

func readAllowances(path string) ([]*allowance, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var allowances []*allowance
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, " ", 3)
		if len(fields) != 3 {
			return nil, fmt.Errorf("%s:%d: not of the form PRIVILEGE TEST REASON", path, number)
		}
		var patterns [3]*regexp.Regexp
		for i, field := range fields {
			if patterns[i], err = regexp.Compile("^(?s:" + field + ")$"); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, number, err)
			}
		}
		allowances = append(allowances,
			&allowance{privilege: patterns[0], test: patterns[1], reason: patterns[2]})
	}
	return allowances, lines.Err()
}

// row is one run of all tests.
type row struct {
	distribution, privilege string
	passed                  int
	failed                  []string
	skipped                 []skip
	err                     error
}

type skip struct {
	test, reason string
	allowed      bool
}

type event struct{ Action, Package, Test, Output string }

// readRow reads the file of a row. A package that fails without a failed test counts as one.
func readRow(path string) *row {
	r := &row{}
	name := strings.TrimSuffix(filepath.Base(path), ".json")
	r.distribution, r.privilege, _ = strings.Cut(name, ".")
	file, err := os.Open(path)
	if err != nil {
		r.err = err
		return r
	}
	defer file.Close()
	output := make(map[string]string)
	failedIn := make(map[string]bool)
	unfinished := make(map[string]bool) // tests and packages
	for events := json.NewDecoder(file); ; {
		var e event
		if err := events.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			r.err = err
			break
		}
		id := e.Package + "." + e.Test
		switch e.Action {
		case "plan", "start", "run":
			unfinished[id] = true
		case "pass", "fail", "skip":
			delete(unfinished, id)
		}
		switch {
		case e.Action == "output":
			output[id] += e.Output
		case e.Action == "fail" && (e.Test != "" || !failedIn[e.Package]):
			failedIn[e.Package] = true
			r.failed = append(r.failed, id)
		case e.Action == "pass" && e.Test != "":
			r.passed++
		case e.Action == "skip" && e.Test != "":
			r.skipped = append(r.skipped, skip{test: e.Test, reason: reasonOf(output[id])})
		}
	}
	switch {
	case r.err != nil:
	case r.passed == 0:
		r.err = errors.New("no test has passed")
	case len(unfinished) > 0:
		r.err = fmt.Errorf("without an end: %s",
			strings.Join(slices.Sorted(maps.Keys(unfinished)), ", "))
	}
	return r
}

var (
	framing  = regexp.MustCompile(`^\s*(=== |--- SKIP)`)
	position = regexp.MustCompile(`^\s*\w+\.go:\d+: `)
)

// reasonOf returns what a skipped test said, on one line.
func reasonOf(output string) string {
	var reason []string
	for line := range strings.Lines(output) {
		line = position.ReplaceAllString(strings.TrimRight(line, "\n"), "")
		if framing.MatchString(line) || strings.TrimSpace(line) == "" || line == "PASS" {
			continue
		}
		reason = append(reason, strings.TrimSpace(line))
	}
	return strings.Join(reason, " ")
}

// judge marks the skips that are allowed.
func (r *row) judge(allowances []*allowance) {
	for i := range r.skipped {
		s := &r.skipped[i]
		for _, a := range allowances {
			if a.privilege.MatchString(r.privilege) && a.test.MatchString(s.test) &&
				a.reason.MatchString(s.reason) {
				s.allowed = true
				break
			}
		}
	}
}

func (r *row) forbidden() []skip {
	return slices.DeleteFunc(slices.Clone(r.skipped), func(s skip) bool { return s.allowed })
}

func (r *row) isGood() bool {
	return r.err == nil && len(r.failed) == 0 && len(r.forbidden()) == 0
}

var numbers = regexp.MustCompile(`\d+`)

// reasons counts the skips by reason; those that differ in a number are one.
func reasons(rows []*row) (list []string, count map[string]int) {
	count = make(map[string]int)
	for _, r := range rows {
		for _, s := range r.skipped {
			reason := numbers.ReplaceAllString(s.reason, "N")
			if len(reason) > 100 {
				reason = reason[:100] + "..."
			}
			key := fmt.Sprintf("| %s | %s |", r.privilege, strings.ReplaceAll(reason, "|", `\|`))
			if count[key]++; count[key] == 1 {
				list = append(list, key)
			}
		}
	}
	slices.Sort(list)
	return list, count
}

func print(w io.Writer, rows []*row) {
	fmt.Fprintln(w, "| Distribution | Privilege | Passed | Failed | Skipped | of these not allowed |")
	fmt.Fprintln(w, "|---|---|---:|---:|---:|---:|")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s | %s | %d | %d | %d | %d |\n", r.distribution, r.privilege, r.passed,
			len(r.failed), len(r.skipped), len(r.forbidden()))
	}
	list, count := reasons(rows)
	fmt.Fprint(w, "\n| Privilege | Reason of skips | Number, in all distributions |\n|---|---|---:|\n")
	for _, key := range list {
		fmt.Fprintf(w, "%s %d |\n", key, count[key])
	}
	for _, r := range rows {
		where := r.distribution + ", " + r.privilege
		if r.err != nil {
			fmt.Fprintf(w, "\n%s: %v\n", where, r.err)
		}
		for _, test := range r.failed {
			fmt.Fprintf(w, "\n%s: failed: %s\n", where, test)
		}
		for _, s := range r.forbidden() {
			fmt.Fprintf(w, "\n%s: must not skip: %s: %s\n", where, s.test, s.reason)
		}
	}
}

func main() {
	os.Exit(report(os.Stdout, os.Stderr, os.Args[1:]))
}

// report returns the status of the command.
func report(stdout, stderr io.Writer, args []string) int {
	if len(args) < 2 {
		fmt.Fprintln(stderr, "usage: matrixreport SKIPS DISTRIBUTION.PRIVILEGE.json...")
		return 2
	}
	allowances, err := readAllowances(args[0])
	if err != nil {
		fmt.Fprintln(stderr, "matrixreport:", err)
		return 2
	}
	var rows []*row
	status := 0
	for _, path := range args[1:] {
		r := readRow(path)
		r.judge(allowances)
		rows = append(rows, r)
		if !r.isGood() {
			status = 1
		}
	}
	print(stdout, rows)
	return status
}
