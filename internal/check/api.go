package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/lua"
)

// api holds the definitions, by name.
type api struct {
	functions map[string]*function // "C.open", "mode"
	constants map[string]*constant // "C.O_CLOEXEC"
	globals   map[string]bool
	classes   map[string]*class
	texts     map[string]*textList // of aliases
	numbers   map[string]*definitions.Numbers
	abis      []definitions.Version
}

type function struct {
	name    string // as the script calls it
	system  string // "linux", "freebsd", or "" for both
	kernel  definitions.Version
	calls   []signature
	results int
	// result is the type of the first result, "" where that depends on success.
	result     string
	capability string // that every call needs, or ""
	opensFD    bool   // the first result is a descriptor
	opens      openingFlag
}

// signature is one of the ways to call a function.
type signature []parameter

type parameter struct {
	name, typ string
	optional  bool
	numbers   *definitions.Numbers // that it may be; nil if it is no integer
}

func (s signature) required() int {
	n := 0
	for i, p := range s {
		if !p.optional {
			n = i + 1
		}
	}
	return n
}

type constant struct {
	system string
	kernel definitions.Version
}

// class is a table with named fields.
type class struct {
	fields []parameter
	abi    map[string]int // of fields that came with a version of Landlock
	// strict says that other fields raise an error.
	strict bool
}

// textList is what strings of a list may be.
type textList struct {
	texts  []string
	abi    map[string]int
	kernel map[string]definitions.Version
}

// loadAPI panics if the embedded definitions are not well-formed, which tests exclude.
var loadAPI = sync.OnceValue(func() *api {
	blocks, err := definitions.Parse(lua.Definitions)
	if err != nil {
		panic(fmt.Sprintf("definitions of the script API: %v", err))
	}
	a := &api{map[string]*function{}, map[string]*constant{}, map[string]bool{}, map[string]*class{},
		map[string]*textList{}, definitions.AllNumbers(blocks), nil}
	if a.abis, err = definitions.LandlockABIs(blocks); err != nil {
		panic(fmt.Sprintf("definitions of the script API: %v", err))
	}
	for _, block := range blocks {
		a.add(&block)
	}
	for _, f := range a.functions {
		f.opens = a.openingFlag(f)
	}
	return a
})

func (a *api) add(block *definitions.Block) {
	switch {
	case block.Kind == definitions.Function:
		a.functions[block.Name] = a.newFunction(block)
		if !strings.Contains(block.Name, ".") {
			a.globals[block.Name] = true
		}
	case block.Kind == definitions.Variable:
		a.globals[block.Name] = true
	case block.IsConstants():
		for _, field := range block.Fields {
			origin, _ := field.Origin()
			a.constants["C."+field.Name] = &constant{definitions.System(origin), field.Kernel()}
		}
	case block.Kind == definitions.Class:
		a.classes[block.Name] = a.newClass(block)
	case block.Kind == definitions.Alias && !block.IsType():
		a.texts[block.Name] = newTextList(block)
	}
}

// newParameter is also for fields.
func (a *api) newParameter(value definitions.Value) parameter {
	return parameter{value.Name, value.Type, value.Optional, a.numbers[value.Alias]}
}

func (a *api) newSignature(values []definitions.Value) signature {
	var s signature
	for _, value := range values {
		s = append(s, a.newParameter(value))
	}
	return s
}

func (a *api) newFunction(block *definitions.Block) *function {
	f := &function{
		name:       block.Name,
		system:     definitions.System(block.Origin()),
		results:    len(block.Returns),
		capability: block.Capability(),
		opensFD:    len(block.Returns) > 0 && block.Returns[0].Alias == "FD",
	}
	f.kernel, _ = block.Kernel()
	main := a.newSignature(block.Params)
	f.calls = append(f.calls, main)
	if len(block.Returns) > 0 {
		f.result = block.Returns[0].Type
	}
	for _, overload := range block.Overloads {
		call := a.newSignature(overload.Params)
		if !slices.Equal(call, main) {
			f.calls = append(f.calls, call)
		}
		if !strings.HasPrefix(overload.Returns, f.result) {
			f.result = ""
		}
	}
	return f
}

func (a *api) newClass(block *definitions.Block) *class {
	c := &class{abi: map[string]int{}}
	for _, line := range block.Text {
		if strings.Contains(line, "Other fields raise an error") {
			c.strict = true
		}
	}
	unit, versions := definitions.Since(block.Fields)
	for i, field := range block.Fields {
		c.fields = append(c.fields, a.newParameter(field))
		if unit == "ABI" && versions[i] != "" {
			c.abi[field.Name], _ = strconv.Atoi(versions[i])
		}
	}
	return c
}

func newTextList(block *definitions.Block) *textList {
	l := &textList{abi: map[string]int{}, kernel: map[string]definitions.Version{}}
	unit, versions := definitions.Since(block.Values)
	for i, value := range block.Values {
		text := strings.Trim(value.Name, `"`)
		l.texts = append(l.texts, text)
		switch unit {
		case "ABI":
			l.abi[text], _ = strconv.Atoi(versions[i])
		case "Linux":
			l.kernel[text], _ = definitions.ParseVersion(versions[i])
		}
	}
	return l
}

// landlockABI returns the highest version of Landlock that a kernel has.
func (a *api) landlockABI(kernel definitions.Version) int {
	abi := 0
	for abi < len(a.abis) && !kernel.Less(a.abis[abi]) {
		abi++
	}
	return abi
}

// similar returns " (did you mean NAME?)" if there is a name that is nearly the same.
func similar[V any](name string, names map[string]V) string {
	best, bestDistance := "", 3
	for candidate := range names {
		d := distance(name, candidate)
		if d < bestDistance || d == bestDistance && candidate < best {
			best, bestDistance = candidate, d
		}
	}
	if best == "" || bestDistance*3 > len(name) {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// distance counts the letters to change, insert or remove.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
