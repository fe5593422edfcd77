//go:build linux

package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// table is one part of the results. Text and Markdown are made from the same cells.
type table struct {
	title string
	head  []string
	rows  [][]string
}

func (r *results) tables() []table {
	return []table{r.startTable(), r.throughputTable(), r.memoryTable(), r.callTable(), r.budgetTable()}
}

func (r *results) startTable() table {
	t := table{
		title: "Starts, in microseconds",
		head:  []string{"", "median", "p10", "p90", "ratio", "starts"},
	}
	group := ""
	for _, s := range r.Starts {
		if s.Group != group {
			group = s.Group
			t.rows = append(t.rows, []string{"**" + group + "**", "", "", "", "", ""})
		}
		row := []string{s.Name, "-", "-", "-", "-", "does not work here: " + s.Error}
		if s.Error == "" {
			row = []string{
				s.Name, fmt.Sprintf("%.0f", s.Median), fmt.Sprintf("%.0f", s.P10),
				fmt.Sprintf("%.0f", s.P90), fmt.Sprintf("%.2f", s.Ratio), fmt.Sprint(s.Count),
			}
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func (r *results) throughputTable() table {
	t := table{
		title: "Throughput, starts of /bin/true per second",
		head:  []string{"", "workers", "C program", "Go package", "ratio"},
	}
	for _, p := range r.Throughput {
		t.rows = append(t.rows, []string{
			levelNames[p.Level], fmt.Sprint(p.Workers), fmt.Sprintf("%.0f", p.Limit),
			fmt.Sprintf("%.0f", p.Ours), fmt.Sprintf("%.2f", p.Ratio),
		})
	}
	return t
}

func (r *results) memoryTable() table {
	t := table{title: "Memory", head: []string{"", "PSS in kB"}}
	for _, m := range r.Memory {
		value := fmt.Sprintf("%.0f", m.KB)
		if m.Error != "" {
			value = m.Error
		}
		t.rows = append(t.rows, []string{m.Name, value})
	}
	return t
}

func (r *results) callTable() table {
	t := table{title: "In a script, in nanoseconds", head: []string{"", "median", "p10", "p90"}}
	for _, c := range r.Calls {
		t.rows = append(t.rows, []string{
			c.Name, fmt.Sprintf("%.0f", c.Median),
			fmt.Sprintf("%.0f", c.P10), fmt.Sprintf("%.0f", c.P90),
		})
	}
	return t
}

func (r *results) budgetTable() table {
	t := table{title: "Budgets", head: []string{"", "measured", "budget", "reached"}}
	for _, b := range r.Budgets {
		format, bound, reached := "%.2f", "at most ", "no"
		if b.Unit != "x" {
			format = "%.0f " + b.Unit
		}
		if b.AtLeast {
			bound = "at least "
		}
		if b.Reached {
			reached = "yes"
		}
		measured := fmt.Sprintf(format, b.Measured)
		if b.Error != "" {
			measured, reached = b.Error, "unknown"
		}
		t.rows = append(t.rows,
			[]string{b.Name, measured, bound + fmt.Sprintf(format, b.Budget), reached})
	}
	return t
}

// text is for a terminal.
func (r *results) text() string {
	var out strings.Builder
	fmt.Fprintln(&out, r.Machine.String())
	for _, t := range r.tables() {
		fmt.Fprintf(&out, "\n%s\n", t.title)
		columns := tabwriter.NewWriter(&out, 0, 8, 2, ' ', 0)
		for _, row := range append([][]string{t.head}, t.rows...) {
			line := strings.TrimRight(strings.Join(row, "\t"), "\t")
			fmt.Fprintln(columns, strings.ReplaceAll("  "+line, "**", ""))
		}
		columns.Flush()
	}
	return out.String()
}

func (r *results) markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "Measured on %s: %s.\n", r.Started.Format("2006-01-02"), r.Machine.String())
	for _, t := range r.tables() {
		fmt.Fprintf(&out, "\n### %s\n\n|%s|\n|---%s\n", t.title, strings.Join(t.head, "|"),
			strings.Repeat("|---:", len(t.head)-1)+"|")
		for _, row := range t.rows {
			line := strings.Join(row, "\x00")
			line = strings.ReplaceAll(strings.ReplaceAll(line, "|", `\|`), "\x00", "|")
			fmt.Fprintf(&out, "|%s|\n", line)
		}
	}
	return out.String()
}
