//go:build linux

package testkit

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/lua"
)

// APIBlocks is what lua/initscript.d.lua says, from which most tests of the script API take its names.
var APIBlocks = sync.OnceValue(func() []definitions.Block {
	blocks, err := definitions.Parse(lua.Definitions)
	if err != nil {
		panic("lua/initscript.d.lua: " + err.Error())
	}
	return blocks
})

// APIName is one name of the script API.
type APIName struct {
	Name   string // without "C."
	Kind   string // functions, constants or globals, as the lists in testdata are called
	Origin string // such as "newer Emilua, Linux only"
}

// IsHere tells whether this system has it.
func (n APIName) IsHere() bool {
	system := definitions.System(n.Origin)
	return system == "" || system == runtime.GOOS
}

// APINames are all that are defined, of every system.
var APINames = sync.OnceValue(func() (all []APIName) {
	for _, block := range APIBlocks() {
		name, inC := strings.CutPrefix(block.Name, "C.")
		switch {
		case block.Kind == definitions.Function && inC:
			all = append(all, APIName{name, "functions", block.Origin()})
		case block.Kind == definitions.Function || block.Kind == definitions.Variable:
			all = append(all, APIName{name, "globals", block.Origin()})
		case block.IsConstants():
			for _, field := range block.Fields {
				origin, _ := field.Origin()
				all = append(all, APIName{field.Name, "constants", origin})
			}
		}
	}
	return all
})

// NamesOfKind returns those of a kind that this system has and those that it has not.
func NamesOfKind(t *testing.T, kind string) (present, absent []string) {
	t.Helper()
	for _, n := range APINames() {
		switch {
		case n.Kind != kind:
		case n.IsHere():
			present = append(present, n.Name)
		default:
			absent = append(absent, n.Name)
		}
	}
	return present, absent
}

// LuaList is a table of these texts, as Lua source.
func LuaList(names []string) string { return "{'" + strings.Join(names, "', '") + "'}" }

// Signatures has the types of the arguments of every function that checks them, as they are defined, in
// the order of the manual page:
//
//	int     number or numeric string
//	str     string or number
//	bool    boolean
//	table   table
//	any     not checked here: it may be absent, or what is wrong with it ends the process
//
// Functions with messages of their own are not here: landlock.txtar, TestFilterErrors.
var Signatures = sync.OnceValue(func() map[string][]string {
	own := strings.Fields("C.landlock_create_ruleset C.landlock_add_rule C.landlock_restrict_self " +
		"C.seccomp_set_mode_filter")
	list := map[string][]string{}
	for _, block := range APIBlocks() {
		isHere := APIName{Origin: block.Origin()}.IsHere()
		if block.Kind != definitions.Function || !isHere || slices.Contains(own, block.Name) {
			continue
		}
		for _, param := range block.Params {
			list[block.Name] = append(list[block.Name], argumentType(param))
		}
	}
	return list
})

func argumentType(param definitions.Value) string {
	switch {
	case param.Optional || param.Alias == "Data" || strings.Contains(param.Type, "nil"):
		return "any"
	case param.Type == "integer":
		return "int"
	case param.Type == "string":
		return "str"
	case param.Type == "boolean":
		return "bool"
	default:
		return "table"
	}
}
