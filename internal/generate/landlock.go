package generate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-initscript/initscript/internal/definitions"
)

// landlockLists are the lists of Landlock's names, and what the kernel's names of them begin with.
var landlockLists = []struct{ alias, prefix string }{
	{"initscript.LandlockAccessFS", "LANDLOCK_ACCESS_FS"},
	{"initscript.LandlockAccessNet", "LANDLOCK_ACCESS_NET"},
	{"initscript.LandlockScope", "LANDLOCK_SCOPE"},
	{"initscript.LandlockCreateRulesetFlag", "LANDLOCK_CREATE_RULESET"},
	{"initscript.LandlockAddRuleFlag", "LANDLOCK_ADD_RULE"},
	{"initscript.LandlockRestrictSelfFlag", "LANDLOCK_RESTRICT_SELF"},
}

func blockOf(blocks []definitions.Block, name string) definitions.Block {
	i := slices.IndexFunc(blocks, func(b definitions.Block) bool { return b.Name == name })
	if i < 0 {
		return definitions.Block{}
	}
	return blocks[i]
}

// landlockHeader is for C: a macro for each list, and the constants that headers may lack. The kernel
// gives out bits in order, and the definitions have that order.
func landlockHeader(blocks []definitions.Block) string {
	var header, defines strings.Builder
	fmt.Fprintf(&header, `/* %s */

/*
 * The names that Landlock has for scripts, for each list NAME(TEXT, CONSTANT, NUMBER OF THE BIT).
 * Headers that are older than the kernel lack some of the constants.
 */

#ifndef INITSCRIPT_LANDLOCK_NAMES_H
#define INITSCRIPT_LANDLOCK_NAMES_H

#include <linux/landlock.h>

/* clang-format off */
`, notice)
	for _, list := range landlockLists {
		fmt.Fprintf(&header, "\n#define %s_NAMES(NAME)", list.prefix)
		for bit, value := range blockOf(blocks, list.alias).Values {
			name := strings.Trim(value.Name, `"`)
			constant := list.prefix + "_" + strings.ToUpper(name)
			fmt.Fprintf(&header, " \\\n\tNAME(%q, %s, %d)", name, constant, bit)
			fmt.Fprintf(&defines, `
#ifndef %[1]s
#define %[1]s (1ULL << %[2]d)
#endif`, constant, bit)
		}
		header.WriteString("\n")
	}
	return header.String() + defines.String() + "\n\n#endif\n"
}

// landlockABIs is for Go: since when the kernel knows the names in the arguments of each call.
func landlockABIs(blocks []definitions.Block) string {
	var source strings.Builder
	fmt.Fprintf(&source, `// %s

//go:build linux

package hint

// landlockABI has the names in the arguments of Landlock's calls, and which ABI came with them.
var landlockABI = map[string]map[string]int{
`, notice)
	for _, block := range blocks {
		name, isLandlock := strings.CutPrefix(block.Name, "C.landlock_")
		if !isLandlock {
			continue
		}
		abis := map[string]int{}
		params := slices.Clone(block.Params)
		for _, overload := range block.Overloads {
			params = append(params, overload.Params...)
		}
		for _, param := range params {
			addABIs(abis, blocks, param.Type)
		}
		fmt.Fprintf(&source, "%q: {\n", "landlock_"+name)
		for _, text := range slices.Sorted(maps.Keys(abis)) {
			fmt.Fprintf(&source, "%q: %d,\n", text, abis[text])
		}
		source.WriteString("},\n")
	}
	return source.String() + "}\n"
}

// addABIs adds the names in a list, or in the lists that are fields.
func addABIs(abis map[string]int, blocks []definitions.Block, typ string) {
	block := blockOf(blocks, strings.TrimSuffix(typ, "[]"))
	for _, field := range block.Fields {
		addABIs(abis, blocks, field.Type)
	}
	_, versions := definitions.Since(block.Values)
	for i, value := range block.Values {
		abis[strings.Trim(value.Name, `"`)], _ = strconv.Atoi(versions[i])
	}
}
