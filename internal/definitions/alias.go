package definitions

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-initscript/initscript/internal/lazyregexp"
)

// Numbers says which values an Alias of integer may have so that no bit is cut or ignored, and which
// names they have. They are written as "MIN to MAX; PREFIX_* but PREFIX_X_*; one of MASK".
type Numbers struct {
	Min, Max int64
	Prefixes []string // of the constants
	Except   []string // prefixes of constants that are not meant
	// Choice has the bits of which one value is chosen; all others are flags.
	Choice uint64
}

// ChooseOne is the Choice of numbers that are one of the constants, and no flags.
const ChooseOne = ^uint64(0)

// Has reports whether a constant is among the names of the numbers.
func (n *Numbers) Has(constant string) bool {
	is := func(prefix string) bool { return strings.HasPrefix(constant, prefix) }
	return slices.ContainsFunc(n.Prefixes, is) && !slices.ContainsFunc(n.Except, is)
}

const typePrefix = "initscript."

var aliasName = lazyregexp.New(`\binitscript\.\w+`)

// addAlias reads "NAME", before a list of texts, or "NAME TYPE" or "NAME integer # NUMBERS".
func (b *Block) addAlias(rest string) error {
	b.Kind = Alias
	b.Name, rest, _ = strings.Cut(rest, " ")
	b.Type, rest = cutType(rest)
	if b.Type != "integer" {
		return nil
	}
	if err := b.Numbers.parse(strings.TrimPrefix(rest, "# ")); err != nil {
		return fmt.Errorf("%s: %w", b.Name, err)
	}
	return nil
}

func (n *Numbers) parse(text string) error {
	parts := strings.Split(text, "; ")
	low, high, _ := strings.Cut(parts[0], " to ")
	var err error
	if n.Min, err = strconv.ParseInt(low, 0, 64); err != nil {
		return err
	}
	if n.Max, err = strconv.ParseInt(high, 0, 64); err != nil {
		return err
	}
	if len(parts) > 1 {
		names, except, _ := strings.Cut(parts[1], " but ")
		n.Prefixes = strings.Fields(strings.ReplaceAll(names, "*", ""))
		n.Except = strings.Fields(strings.ReplaceAll(except, "*", ""))
	}
	if len(parts) > 2 {
		return n.parseChoice(parts[2])
	}
	return nil
}

func (n *Numbers) parseChoice(text string) (err error) {
	if text == "one of them" {
		n.Choice = ChooseOne
		return nil
	}
	n.Choice, err = strconv.ParseUint(strings.TrimPrefix(text, "one of "), 0, 64)
	return err
}

// IsType reports whether the block is another name of a type.
func (b *Block) IsType() bool { return b.Kind == Alias && b.Type != "" }

// AllNumbers returns those of the aliases of integer, by the name without the prefix.
func AllNumbers(blocks []Block) map[string]*Numbers {
	all := map[string]*Numbers{}
	for i, block := range blocks {
		if block.IsType() && block.Type == "integer" {
			all[strings.TrimPrefix(block.Name, typePrefix)] = &blocks[i].Numbers
		}
	}
	return all
}

// resolveAliases writes types where their other names are.
func resolveAliases(blocks []Block) {
	types := map[string]string{}
	for _, block := range blocks {
		if block.IsType() {
			types[block.Name] = block.Type
		}
	}
	resolve := func(value *Value) {
		value.Type = aliasName().ReplaceAllStringFunc(value.Type, func(name string) string {
			if typ, ok := types[name]; ok {
				value.Alias = strings.TrimPrefix(name, typePrefix)
				return typ
			}
			return name
		})
	}
	for _, block := range blocks {
		for _, values := range [][]Value{block.Params, block.Returns, block.Fields} {
			for i := range values {
				resolve(&values[i])
			}
		}
		for _, overload := range block.Overloads {
			for i := range overload.Params {
				resolve(&overload.Params[i])
			}
		}
	}
}
