//go:build linux

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestQuantiles(t *testing.T) {
	for _, test := range []struct {
		samples          []time.Duration
		p10, median, p90 float64
	}{
		{[]time.Duration{7000}, 7, 7, 7},
		{[]time.Duration{3000, 1000}, 1.2, 2, 2.8},
		{[]time.Duration{11000, 1000, 6000, 2000, 3000, 4000, 5000, 7000, 8000, 9000, 10000}, 2, 6, 10},
	} {
		p10, median, p90 := quantiles(slices.Clone(test.samples))
		for i, got := range []float64{p10, median, p90} {
			want := []float64{test.p10, test.median, test.p90}[i]
			if got < want-1e-9 || got > want+1e-9 {
				t.Errorf("%v: %g %g %g, want %g %g %g", test.samples, p10, median, p90,
					test.p10, test.median, test.p90)
				break
			}
		}
	}
}

// What does not work must be in the results, with its reason, and must not be compared with.
func TestMeasureStarts(t *testing.T) {
	calls := 0
	takes := func(d time.Duration) func() (time.Duration, error) {
		return func() (time.Duration, error) { return d, nil }
	}
	got := measureStarts([]contender{
		{"group", "limit", takes(time.Millisecond)},
		{"group", "ours", takes(3 * time.Millisecond)},
		{"group", "missing", func() (time.Duration, error) { return 0, errors.New("not installed") }},
		{"group", "fragile", func() (time.Duration, error) {
			if calls++; calls > warmUps+1 {
				return 0, errors.New("broke")
			}
			return time.Millisecond, nil
		}},
		{"other group", "first", takes(2 * time.Millisecond)},
	}, 20*time.Millisecond)
	for i, want := range []startResult{
		{Group: "group", Name: "limit", Median: 1000, Ratio: 1},
		{Group: "group", Name: "ours", Median: 3000, Ratio: 3},
		{Group: "group", Name: "missing", Error: "not installed"},
		{Group: "group", Name: "fragile", Error: "broke"},
		{Group: "other group", Name: "first", Median: 2000, Ratio: 1},
	} {
		result := got[i]
		if (result.Count == 0) != (want.Error == "not installed") {
			t.Errorf("%s: %d starts", result.Name, result.Count)
		}
		result.P10, result.P90, result.Count = 0, 0, 0
		if result != want {
			t.Errorf("got %+v, want %+v", result, want)
		}
	}
}

func someResults() *results {
	r := &results{
		Starts: []startResult{
			{Group: groupProgram + levelNames[none], Name: nameExec, Median: 500, P10: 400, P90: 900,
				Ratio: 1},
			{Group: groupProgram + levelNames[none], Name: nameOurs, Median: 600, P10: 550, P90: 7000,
				Ratio: 1.2},
			{Group: groupProgram + levelNames[none], Name: "<peer>", Error: "not installed"},
		},
		Throughput: []throughputResult{{Level: none, Workers: mostWorkers, Limit: 100, Ours: 90,
			Ratio: 0.9}},
		Memory: []memoryResult{{Name: nameServerMemory, KB: 5000}},
	}
	r.Budgets = checkBudgets(r)
	return r
}

func TestBudgets(t *testing.T) {
	want := map[string]string{
		"script and /bin/true, no namespaces / limit":        "1.20 yes",
		"throughput of 8 goroutines, no namespaces / limit":  "0.90 yes",
		"memory (PSS) of the fork server":                    "5000 kB no",
		"box and /bin/true / bubblewrap with the same box":   "unknown",
		"throughput of 8 goroutines, six namespaces / limit": "unknown",
		"script and /bin/true, six namespaces / limit":       "unknown",
	}
	r := someResults()
	found := 0
	for _, row := range r.budgetTable().rows {
		if end, ok := want[row[0]]; ok {
			found++
			if got := row[1] + " " + row[3]; !strings.HasSuffix(got, end) {
				t.Errorf("%s: %s, want %s", row[0], got, end)
			}
		}
	}
	if found != len(want) {
		t.Errorf("%d of %d budgets are in the table", found, len(want))
	}
}

func TestResultsNameWhatIsMissing(t *testing.T) {
	r := someResults()
	for name, text := range map[string]string{"text": r.text(), "Markdown": r.markdown()} {
		if !strings.Contains(text, "not installed") {
			t.Errorf("%s: the missing peer is not named", name)
		}
	}
}

func TestChartIsXML(t *testing.T) {
	chart := someResults().chart()
	for decoder := xml.NewDecoder(strings.NewReader(chart)); ; {
		if _, err := decoder.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, chart)
		}
	}
	if got := strings.Count(chart, "<circle"); got != 2 {
		t.Errorf("%d dots, want one for each that works", got)
	}
}

func TestPublish(t *testing.T) {
	docs := t.TempDir()
	page := filepath.Join(docs, "performance.md")
	r := someResults()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(page, []byte("before\n"), 0o644))
	if err := r.publish(docs); err == nil {
		t.Error("a page without place for results was accepted")
	}
	must(os.WriteFile(page, []byte("before\n"+resultsBegin+"old\n"+resultsEnd+"after\n"), 0o644))
	for range 2 { // the second time over its own output
		must(r.publish(docs))
		text, err := os.ReadFile(page)
		must(err)
		s := string(text)
		if !strings.HasPrefix(s, "before\n"+resultsBegin) ||
			!strings.HasSuffix(s, resultsEnd+"after\n") ||
			strings.Contains(s, "old") || strings.Count(s, "### Budgets") != 1 {
			t.Errorf("page:\n%s", s)
		}
	}
}
