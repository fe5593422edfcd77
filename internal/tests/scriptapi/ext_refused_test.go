package scriptapi_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript/internal/definitions"
)

// Whatever a call of ours does not understand it refuses, where the kernel would get a part of it: no
// integer is a fraction or more than the C type has, and no path ends at a NUL byte.
func TestExtensionsRefuseWhatTheyWouldCut(t *testing.T) {
	wrong := map[string][]string{
		"int": {"0.5", "-0.5", "1 / 0", "0 / 0"},
		"str": {`'nosuch\0x'`, `'\0'`},
	}
	wide := []string{"2^32", "2^33 + 1", "-2^32"}
	numbers := definitions.AllNumbers(testkit.APIBlocks())
	for _, block := range testkit.APIBlocks() {
		function, types := block.Name, testkit.Signatures()[block.Name]
		if !strings.HasPrefix(block.Origin(), "extension") || len(types) == 0 {
			continue
		}
		var calls, want []string
		try := func(i int, value string) {
			arguments := make([]string, len(types))
			for j, typ := range types {
				arguments[j] = argumentTypes[typ].good
				if typ == "int" {
					// No open descriptor: a call that is made by mistake does no harm.
					arguments[j] = "99"
				}
			}
			arguments[i] = value
			call := fmt.Sprintf("%s(%s)", function, strings.Join(arguments, ", "))
			calls = append(calls, "function() "+call+" end")
			want = append(want, fmt.Sprintf("false,bad argument #%d to '%s' (", i+1, function[2:]))
		}
		for i, typ := range types {
			for _, value := range wrong[typ] {
				try(i, value)
			}
			if typ != "int" {
				continue
			}
			switch limits := numbers[block.Params[i].Alias]; {
			case limits.Max <= math.MaxUint32:
				for _, value := range wide {
					try(i, value)
				}
			case limits.Max < math.MaxInt64:
				try(i, fmt.Sprintf("2 * %d", limits.Max))
				try(i, fmt.Sprint(limits.Min-1))
			}
		}
		raises := testkit.ScriptCase{Script: "for _, call in ipairs({" + strings.Join(calls, ", ") +
			"}) do local good, text = pcall(call) " +
			"R(good, text:match('bad argument .- %(')) end", Sent: want}
		t.Run(function, raises.Run)
	}
}
