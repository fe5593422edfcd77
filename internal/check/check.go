// Package check finds mistakes in init scripts without running them. It reports what is certain:
// where a name may stand for something else, or a branch may not be taken, it is silent.
package check

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/luasyntax"
)

// Options say where the script is to run.
type Options struct {
	// Target is the system, "linux" or "freebsd"; "" is linux.
	Target string

	// Kernel is the version of Linux; the zero Version is one that has everything.
	Kernel definitions.Version

	// LandlockABI is the version of Landlock. Where it is nil it follows from Kernel.
	LandlockABI *int
}

// Severity tells how sure it is that something goes wrong.
type Severity string

const (
	// Error is what fails, or does not do what is written, wherever the script runs.
	Error Severity = "error"
	// Warning is what does so unless the script is started with some privilege, or is without effect.
	Warning Severity = "warning"
)

// Diagnostic is one finding, with its place.
type Diagnostic struct {
	Line     int      `json:"line"`   // from 1
	Column   int      `json:"column"` // from 1, in bytes
	Severity Severity `json:"severity"`
	Name     string   `json:"name"` // one of Names
	Message  string   `json:"message"`
}

func (d Diagnostic) String() string {
	return fmt.Sprintf("%d:%d: %s: %s [%s]", d.Line, d.Column, d.Severity, d.Message, d.Name)
}

// The names of diagnostics, which a comment can turn off for a line.
const (
	nameSyntax        = "syntax"
	nameUnknownName   = "unknown-name"
	nameUnknownGlobal = "unknown-global"
	nameUnknownText   = "unknown-text"
	nameUnknownField  = "unknown-field"
	nameArgumentCount = "argument-count"
	nameArgumentType  = "argument-type"
	nameArgumentValue = "argument-value"
	nameList          = "list"
	nameOctal         = "octal"
	nameResultCount   = "result-count"
	nameKernel        = "kernel"
	nameLandlockABI   = "landlock-abi"
	nameLandlockOrder = "landlock-order"
	nameNoNewPrivs    = "no-new-privs"
	nameCapability    = "capability"
	nameCloseOnExec   = "close-on-exec"
	nameRootDirectory = "root-directory"
	nameErrexit       = "errexit"
	nameExit          = "exit"
	nameComment       = "comment"
)

// Names are the names of all diagnostics.
var Names = []string{
	nameSyntax, nameUnknownName, nameUnknownGlobal, nameUnknownText, nameUnknownField, nameArgumentCount,
	nameArgumentType, nameArgumentValue, nameList, nameOctal, nameResultCount, nameKernel,
	nameLandlockABI,
	nameLandlockOrder, nameNoNewPrivs, nameCapability, nameCloseOnExec, nameRootDirectory, nameErrexit,
	nameExit,
	nameComment,
}

// Check reports on a script, in the order of its text.
func Check(source string, options Options) []Diagnostic {
	r := &report{}
	if zero := strings.IndexByte(source, 0); zero >= 0 {
		before := source[:zero]
		pos := luasyntax.Position{
			Line:   strings.Count(before, "\n") + 1,
			Column: zero - strings.LastIndex(before, "\n"),
		}
		r.add(pos, Error, nameSyntax, "a zero byte: this is no Lua source text")
		return r.list
	}
	chunk, err := luasyntax.Parse(source)
	var syntaxError *luasyntax.Error
	if errors.As(err, &syntaxError) {
		r.add(syntaxError.Position, Error, nameSyntax, "%s", syntaxError.Message)
		return r.list
	}
	s := newScript(chunk, loadAPI(), options, r)
	if !s.unpredictable {
		s.checkUses()
		s.follow()
	}
	return r.finish(chunk.Comments)
}

// report collects diagnostics.
type report struct {
	list []Diagnostic
	// silent is above zero while the same code will be looked at once more.
	silent int
}

func (r *report) add(pos luasyntax.Position, severity Severity, name, format string, args ...any) {
	if r.silent > 0 {
		return
	}
	d := Diagnostic{pos.Line, pos.Column, severity, name, fmt.Sprintf(format, args...)}
	if !slices.Contains(r.list, d) {
		r.list = append(r.list, d)
	}
}

// finish applies the comments of the script, and sorts.
func (r *report) finish(comments []luasyntax.Comment) []Diagnostic {
	ignored := map[ignoredName]bool{}
	for _, comment := range comments {
		for _, name := range ignoredNames(comment.Text) {
			if name == nameSyntax || name == nameComment || !slices.Contains(Names, name) {
				r.add(comment.Position, Error, nameComment, "there is no diagnostic %q to ignore", name)
				continue
			}
			ignored[ignoredName{comment.Line, name}] = true
			if comment.Alone {
				ignored[ignoredName{comment.Line + 1, name}] = true
			}
		}
	}
	list := slices.DeleteFunc(r.list,
		func(d Diagnostic) bool { return ignored[ignoredName{d.Line, d.Name}] })
	slices.SortStableFunc(list, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return list
}

type ignoredName struct {
	line int
	name string
}

// ignoredNames reads "check: ignore NAME, NAME", after which there may be an explanation in
// parentheses.
func ignoredNames(comment string) []string {
	list, ok := strings.CutPrefix(strings.TrimSpace(comment), "check: ignore ")
	if !ok {
		return nil
	}
	list, _, _ = strings.Cut(list, "(")
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		names = append(names, strings.TrimSpace(name))
	}
	return names
}
