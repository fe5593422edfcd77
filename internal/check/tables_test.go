package check_test

import (
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/check"
	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/lua"
)

// What the check knows beside the definitions does not contradict them.
func TestTables(t *testing.T) {
	blocks, err := definitions.Parse(lua.Definitions)
	testkit.Must(t, err)
	functions := map[string]definitions.Block{}
	for _, block := range blocks {
		if block.Kind == definitions.Function {
			functions[block.Name] = block
		}
	}
	for name, capability := range check.Always {
		text := strings.Join(functions[name].Text, "\n")
		if !strings.Contains(text, "**Privilege:** `"+strings.ToUpper(capability)+"`") {
			t.Errorf("%s: the definitions do not say that it needs %s", name, capability)
		}
	}
	for name, block := range functions {
		for _, p := range block.Params {
			if _, ok := check.SpanOf(name, p.Name); !ok && (p.Type == "integer" || p.Type == "integer[]") {
				t.Errorf("%s: nothing is known of the numbers that %s may be", name, p.Name)
			}
		}
	}
	for _, block := range blocks {
		for _, field := range block.Fields {
			if _, ok := check.SpanOf("", field.Name); !ok && field.Type == "integer" && !block.IsConstants() {
				t.Errorf("nothing is known of the numbers that the field %s may be", field.Name)
			}
		}
	}
	for name, with := range check.WithArguments() {
		for choice, needs := range with {
			if check.Constants()[choice] == nil || needs > len(functions[name].Params) {
				t.Errorf("%s with %s cannot have %d arguments", name, choice, needs)
			}
		}
	}
	for name, opens := range check.Opening {
		block := functions[name]
		if check.Constants()["C."+opens.Flag()] == nil {
			t.Errorf("%s: there is no %s", name, opens.Flag())
		}
		if opens.Argument() >= len(block.Params) || !strings.Contains("flags how type", block.Params[opens.Argument()].Name) {
			t.Errorf("%s: argument %d has no flags", name, opens.Argument()+1)
		}
	}
}
