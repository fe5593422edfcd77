package scriptapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"
)

// An absent argument is nil for functions that fix the number of their arguments first, as Emilua's do.
var fixesArguments = map[string]bool{"C.open": true, "C.execve": true, "C.fexecve": true}

// argumentTypes has, for every type of a signature, an argument that is good, what a message
// calls the type, and arguments that are wrong with what a message calls theirs.
var argumentTypes = map[string]struct {
	good, expected string
	wrong          map[string]string
}{
	"int": {"0", "number", map[string]string{"nil": "nil", "'x'": "string", "''": "string",
		"true": "boolean", "{}": "table", "print": "function"}},
	"str": {"'cap_chown'", "string", map[string]string{"nil": "nil", "false": "boolean", "{}": "table",
		"newproxy()": "userdata"}},
	"bool":  {"true", "boolean", map[string]string{"nil": "nil", "0": "number", "'true'": "string"}},
	"table": {"{}", "table", map[string]string{"nil": "nil", "1": "number", "'{}'": "string"}},
	"any":   {"nil", "", nil},
}

// Arguments are checked from left to right, and all before anything is done.
func TestArgumentErrors(t *testing.T) {
	for function, types := range testkit.Signatures() {
		t.Run(function, func(t *testing.T) {
			absent := "no value"
			if fixesArguments[function] {
				absent = "nil"
			}
			_, name, found := strings.Cut(function, ".")
			if !found {
				name = function
			}
			var calls []string
			var want []string
			try := func(position int, typ string, arguments []string, got string) {
				calls = append(calls, fmt.Sprintf("function() %s(%s) end", function,
					strings.Join(arguments, ", ")))
				want = append(want, fmt.Sprintf("false,init.script:1: bad argument #%d to '%s' (%s "+
					"expected, got %s)",
					position, name, argumentTypes[typ].expected, got))
			}
			var good []string
			for i, typ := range types {
				if typ != "any" {
					before := good
					for len(before) > 0 && types[len(before)-1] == "any" {
						before = before[:len(before)-1] // absent too
					}
					if len(before) == len(good) {
						try(i+1, typ, good, absent)
					}
					for wrong, got := range argumentTypes[typ].wrong {
						try(i+1, typ, append(good[:i:i], wrong), got)
					}
				}
				good = append(good, argumentTypes[typ].good)
			}
			raises := testkit.ScriptCase{Script: "for _, call in ipairs({" + strings.Join(calls, ", ") +
				"}) do R(pcall(call)) end", Sent: want}
			raises.Run(t)
		})
	}
	if len(testkit.Signatures()) < 75 {
		t.Errorf("only %d functions are defined", len(testkit.Signatures()))
	}
}
