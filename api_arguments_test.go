package initscript_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-initscript/initscript/internal/definitions"
)

// signatures has the types of the arguments of every function that checks them, as they are defined, in
// the order of the manual page:
//
//	int     number or numeric string
//	str     string or number
//	bool    boolean
//	table   table
//	any     not checked here: it may be absent, or what is wrong with it ends the process
//
// Functions with messages of their own are not here: landlock.txtar, TestFilterErrors.
var signatures = sync.OnceValue(func() map[string][]string {
	own := strings.Fields("C.landlock_create_ruleset C.landlock_add_rule C.landlock_restrict_self " +
		"C.seccomp_set_mode_filter")
	list := map[string][]string{}
	for _, block := range apiBlocks() {
		isHere := apiName{origin: block.Origin()}.isHere()
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

// An absent argument is nil for functions that fix the number of their arguments first, as Emilua's do.
var fixesArguments = map[string]bool{"C.open": true, "C.execve": true, "C.fexecve": true}

// argumentTypes has, for every type of a signature, an argument that is good, what a message
// calls the type, and arguments that are wrong with what a message calls theirs.
var argumentTypes = map[string]struct {
	good, expected string
	wrong          map[string]string
}{
	"int":   {"0", "number", map[string]string{"nil": "nil", "'x'": "string", "''": "string", "true": "boolean", "{}": "table", "print": "function"}},
	"str":   {"'cap_chown'", "string", map[string]string{"nil": "nil", "false": "boolean", "{}": "table", "newproxy()": "userdata"}},
	"bool":  {"true", "boolean", map[string]string{"nil": "nil", "0": "number", "'true'": "string"}},
	"table": {"{}", "table", map[string]string{"nil": "nil", "1": "number", "'{}'": "string"}},
	"any":   {"nil", "", nil},
}

// Arguments are checked from left to right, and all before anything is done.
func TestArgumentErrors(t *testing.T) {
	for function, types := range signatures() {
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
				calls = append(calls, fmt.Sprintf("function() %s(%s) end", function, strings.Join(arguments, ", ")))
				want = append(want, fmt.Sprintf("false,init.script:1: bad argument #%d to '%s' (%s expected, got %s)",
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
			raises := scriptCase{Script: "for _, call in ipairs({" + strings.Join(calls, ", ") + "}) do R(pcall(call)) end", Sent: want}
			raises.Run(t)
		})
	}
	if len(signatures()) < 75 {
		t.Errorf("only %d functions are defined", len(signatures()))
	}
}
