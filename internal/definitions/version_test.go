package definitions_test

import (
	"testing"

	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/lua"
)

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]string{"5.15": "5.15", "6.1.0-18-amd64": "6.1",
		"2.6.39": "2.6.39", "7.0+": "7.0"} {
		if got, err := definitions.ParseVersion(text); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "5", "5.", "v5.15", "5.15.1.2", "5.15x", "5.99999", "-5.1"} {
		if got, err := definitions.ParseVersion(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
	ordered := []definitions.Version{{}, {2, 6, 39}, {3, 0, 0}, {5, 2, 0}, {5, 12, 0}, {5, 12, 1},
		{6, 0, 0}}
	for i, v := range ordered {
		for j, w := range ordered {
			if v.Less(w) != (i < j) {
				t.Errorf("%v.Less(%v) is %t", v, w, v.Less(w))
			}
		}
	}
}

// Every function says since when it is there, and every text of a list that a newer kernel has.
func TestEveryNameHasItsKernel(t *testing.T) {
	blocks, err := definitions.Parse(lua.Definitions)
	if err != nil {
		t.Fatal(err)
	}
	functions, texts := 0, 0
	units := map[string]string{
		"initscript.SeccompFilterFlag": "Linux", "initscript.LandlockAccessFS": "ABI",
		"initscript.LandlockAccessNet": "ABI", "initscript.LandlockScope": "ABI",
		"initscript.LandlockCreateRulesetFlag": "ABI", "initscript.LandlockAddRuleFlag": "ABI",
		"initscript.LandlockRestrictSelfFlag": "ABI", "initscript.LandlockRulesetAttr": "ABI",
	}
	for _, block := range blocks {
		if block.Kind == definitions.Function {
			functions++
			if _, err := block.Kernel(); err != nil {
				t.Error(err)
			}
		}
		want, ok := units[block.Name]
		if !ok {
			continue
		}
		texts++
		values := append(block.Values, block.Fields...)
		unit, versions := definitions.Since(values)
		if unit != want {
			t.Errorf("%s: unit %q, want %q", block.Name, unit, want)
		}
		for i, version := range versions {
			if version == "" {
				t.Errorf("%s: %s has no version", block.Name, values[i].Name)
			}
		}
	}
	if functions == 0 || texts != len(units) {
		t.Errorf("%d functions, %d of %d lists of texts", functions, texts, len(units))
	}
	abis, err := definitions.LandlockABIs(blocks)
	if err != nil || len(abis) < 11 || abis[0].String() != "5.13" || abis[3].String() != "6.7" {
		t.Errorf("ABIs %v, %v", abis, err)
	}
}
