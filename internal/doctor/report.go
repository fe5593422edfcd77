//go:build linux || freebsd

// Package doctor learns what this machine allows a sandbox to do, and why not more.
package doctor

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-initscript/initscript/internal/printable"
	"golang.org/x/sys/unix"
)

// Status of a Finding.
const (
	OK   = "ok"
	No   = "no"
	Info = "info" // neither good nor bad
)

// Finding is one thing that was looked at.
type Finding struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"` // what helps, where the status is "no"
}

// Report is what [Examine] found.
type Report struct {
	OK       bool      `json:"ok"` // a process can be started behind a script
	Findings []Finding `json:"findings"`
}

// Try starts a child in new namespaces of these kinds that runs a script, and returns the hint
// that belongs to its failure, and that.
type Try func(kinds []string, script string) (hint string, err error)

type examination struct {
	Report
	try Try
}

func (e *examination) add(name, status, detail, fix string) {
	e.Findings = append(e.Findings, Finding{name, status, detail, fix})
}

// tried adds a finding on what a child can do.
func (e *examination) tried(name string, kinds []string, script, success string) bool {
	hint, err := e.try(kinds, script)
	if err == nil {
		e.add(name, OK, success, "")
		return true
	}
	why, fix := splitHint(hint)
	detail := err.Error()
	if why != "" {
		detail += "; " + why
	}
	e.add(name, No, detail, fix)
	return false
}

// splitHint undoes hint.Reason.String: what helps is behind the last colon that is not in parentheses.
func splitHint(hint string) (why, fix string) {
	depth := 0
	for i := len(hint) - 1; i >= 0; i-- {
		switch {
		case hint[i] == ')':
			depth++
		case hint[i] == '(':
			depth--
		case depth == 0 && strings.HasPrefix(hint[i:], ": "):
			return hint[:i], hint[i+2:]
		}
	}
	return hint, ""
}

// begin looks at what every system has.
func (e *examination) begin() {
	e.kernel()
	e.OK = e.tried("start a process", nil, "", "a script runs in a new process")
}

func (e *examination) kernel() {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		e.add("kernel", No, err.Error(), "")
		return
	}
	e.add("kernel", Info, fmt.Sprintf("%s %s %s", unix.ByteSliceToString(name.Sysname[:]),
		unix.ByteSliceToString(name.Release[:]), unix.ByteSliceToString(name.Machine[:])), "")
}

func (e *examination) user() {
	e.add("user", Info, fmt.Sprintf("user id %d, group id %d", os.Geteuid(), os.Getegid()), "")
}

// WriteText prints the report as a table.
func (r *Report) WriteText(w io.Writer) error {
	width := 0
	for _, f := range r.Findings {
		width = max(width, len(f.Name))
	}
	var text strings.Builder
	for _, f := range r.Findings {
		column := map[string]string{OK: "OK", No: "NO", Info: "-"}[f.Status]
		fmt.Fprintf(&text, "%-3s %-*s  %s\n", column, width, f.Name, printable.Line(f.Detail))
		if f.Fix != "" {
			fmt.Fprintf(&text, "    %-*s  fix: %s\n", width, "", printable.Line(f.Fix))
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}
