package generate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-initscript/initscript/internal/definitions"
)

const typePrefix = "initscript."

// traceTable is what a trace knows of functions: see package trace.
func traceTable(blocks []definitions.Block) string {
	var source strings.Builder
	fmt.Fprintf(&source, `// %s

//go:build (linux || freebsd) && cgo

package trace

// functions are those that scripts have on Linux.
var functions = map[string]function{
`, notice)
	for _, block := range blocks {
		if block.Kind == definitions.Function && definitions.System(block.Origin()) != "freebsd" {
			source.WriteString(traceRow(&block, blocks))
		}
	}
	source.WriteString(`}

// structures have the kinds of fields of tables.
var structures = map[string]map[string]string{
`)
	for _, block := range blocks {
		if isStructure(&block) {
			fmt.Fprintf(&source, "%q: {\n", strings.TrimPrefix(block.Name, typePrefix))
			for _, field := range block.Fields {
				if field.Alias != "" {
					fmt.Fprintf(&source, "%q: %q,\n", field.Name, field.Alias)
				}
			}
			source.WriteString("},\n")
		}
	}
	source.WriteString(`}

// families have the constants of each kind of number.
var families = map[string]*family{
`)
	for _, block := range blocks {
		if len(block.Numbers.Prefixes) > 0 {
			source.WriteString(traceFamily(&block))
		}
	}
	return source.String() + "}\n"
}

// isStructure reports whether the block is a class that has fields of some kind.
func isStructure(block *definitions.Block) bool {
	hasKind := func(field definitions.Value) bool { return field.Alias != "" }
	isClass := block.Kind == definitions.Class && !block.IsConstants()
	return isClass && slices.ContainsFunc(block.Fields, hasKind)
}

func traceRow(block *definitions.Block, blocks []definitions.Block) string {
	results := block.Returns
	last := len(results) - 1
	noErrno := last < 0 || results[last].Name != "errno"
	if !noErrno {
		results = results[:last]
	}
	row := fmt.Sprintf("%q: {", strings.TrimPrefix(block.Name, "C."))
	var cells []string
	for name, values := range map[string][]definitions.Value{"args": block.Params, "results": results} {
		if kinds := kindsOf(values, blocks); len(kinds) > 0 {
			cells = append(cells, fmt.Sprintf("%s: %#v", name, kinds))
		}
	}
	slices.Sort(cells)
	if noErrno {
		cells = append(cells, "noErrno: true")
	}
	if len(cells) > 1 {
		return row + "\n" + strings.Join(cells, ",\n") + ",\n},\n"
	}
	return row + strings.Join(cells, "") + "},\n"
}

// kindsOf are the aliases of the types, or the names of structures, up to the last that has one.
func kindsOf(values []definitions.Value, blocks []definitions.Block) []string {
	var kinds []string
	for i, value := range values {
		kind := value.Alias
		if class := blockOf(blocks, value.Type); isStructure(&class) {
			kind = strings.TrimPrefix(class.Name, typePrefix)
		}
		if kind != "" {
			kinds = append(kinds, make([]string, i-len(kinds))...)
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func traceFamily(block *definitions.Block) string {
	n := block.Numbers
	family := fmt.Sprintf("%q: {", strings.TrimPrefix(block.Name, typePrefix))
	if len(n.Except) > 0 {
		family += fmt.Sprintf("\nexcept: %#v,\n", n.Except)
	}
	family += fmt.Sprintf("prefixes: %#v", n.Prefixes)
	switch n.Choice {
	case 0:
	case definitions.ChooseOne:
		family += ", choice: chooseOne"
	default:
		family += fmt.Sprintf(", choice: %#x", n.Choice)
	}
	return family + "},\n"
}
