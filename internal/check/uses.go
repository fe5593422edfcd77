package check

import (
	"slices"
	"strings"
	"sync"

	"github.com/go-initscript/initscript/internal/luasyntax"
)

// luaGlobals returns the globals of LuaJIT that a script sees.
var luaGlobals = sync.OnceValue(func() []string {
	return strings.Fields(`_G _VERSION assert bit collectgarbage coroutine debug dofile error gcinfo
		getfenv getmetatable io ipairs jit load loadfile loadstring math module newproxy next os package
		pairs pcall print rawequal rawget rawset require select setfenv setmetatable string table
		tonumber tostring type unpack xpcall`)
})

// checkUses looks at each use of a name by itself.
func (s *script) checkUses() {
	luasyntax.Walk(s.chunk.Main, s.checkUse)
}

func (s *script) checkUse(node luasyntax.Node) bool {
	switch n := node.(type) {
	case *luasyntax.Function:
		// What fails in there is meant to be caught.
		return !s.guarded[n]
	case *luasyntax.Index:
		s.checkGlobal(n.Object, "is indexed")
		s.checkArg(n.Object)
		s.checkName(n)
	case *luasyntax.Call:
		if n.Method == nil {
			s.checkGlobal(n.Function, "is called")
		} else {
			s.checkMethod(n)
		}
		if f := s.called(n); f != nil {
			s.checkCall(n, f)
		}
	case *luasyntax.Unary:
		if n.Operator == "#" {
			s.checkArg(n.Operand)
		}
	case *luasyntax.LocalStmt:
		s.checkLocalErrexit(n)
		targets := make([]luasyntax.Node, len(n.Locals))
		for i, local := range n.Locals {
			targets[i] = local
		}
		s.checkResults(targets, n.Values)
	case *luasyntax.AssignStmt:
		s.checkErrexit(n)
		targets := make([]luasyntax.Node, len(n.Targets))
		for i, target := range n.Targets {
			targets[i] = target
		}
		s.checkResults(targets, n.Values)
	}
	return true
}

// called returns the function of the API that is called, or nil.
func (s *script) called(call *luasyntax.Call) *function {
	if call.Method != nil {
		return nil
	}
	f := s.api.functions[s.meaning(call.Function)]
	if f == nil || f.system != "" && f.system != s.options.Target {
		return nil
	}
	if f.name == "C.mount" && s.options.Target == "freebsd" {
		return nil // another function, which the definitions do not have
	}
	return f
}

// checkName reports a name of C that no system has.
func (s *script) checkName(index *luasyntax.Index) {
	key, ok := s.text(index.Key)
	name := s.meaning(index)
	if !ok || s.loads || name != "C."+key || s.api.functions[name] != nil ||
		s.api.constants[name] != nil {
		return
	}
	s.add(index.Key.Pos(), Error, nameUnknownName, "%s does not exist%s", name, s.similarName(name))
}

func (s *script) similarName(name string) string {
	names := map[string]bool{}
	for function := range s.api.functions {
		names[function] = true
	}
	for constant := range s.api.constants {
		names[constant] = true
	}
	return similar(name, names)
}

// checkGlobal reports a variable that nobody sets, where nil cannot be meant.
func (s *script) checkGlobal(e luasyntax.Expr, use string) {
	name, ok := e.(*luasyntax.Name)
	if !ok || s.loads || name.Local != nil || s.assigned[name.Name] > 0 || s.askedFor[name.Name] ||
		s.api.globals[name.Name] ||
		slices.Contains(luaGlobals(), name.Name) {
		return
	}
	hint := similar(name.Name, s.api.globals)
	if s.api.functions["C."+name.Name] != nil || s.api.constants["C."+name.Name] != nil {
		hint = " (did you mean C." + name.Name + "?)"
	}
	s.add(name.Position, Error, nameUnknownGlobal, "%s %s, and is nil: nothing sets it%s",
		name.Name, use, hint)
}

// checkArg reports arg where it is taken for a list of arguments, as it is in programs.
func (s *script) checkArg(e luasyntax.Expr) {
	if s.meaning(e) != "arg" || s.loads || s.asksForType {
		return
	}
	s.add(e.Pos(), Error, nameArgumentType,
		"arg is the number of a descriptor, or nil, not a table: a script has no arguments")
}

// checkErrexit reports what is not false although it may look so, and a variable of another table.
func (s *script) checkErrexit(n *luasyntax.AssignStmt) {
	for i, target := range n.Targets {
		index, isIndex := target.(*luasyntax.Index)
		if isIndex && s.meaning(index.Object) == "C" {
			if key, _ := s.text(index.Key); key == "errexit" {
				s.add(target.Pos(), Error, nameErrexit,
					"errexit is a global variable, not a field of C: this changes nothing")
			}
			continue
		}
		value := valueAt(n.Values, i)
		if s.meaning(target) != "errexit" || value == nil {
			continue
		}
		switch got := s.typeOf(value); got {
		case "", "nil", "boolean":
		default:
			s.add(value.Pos(), Error, nameErrexit,
				"only false and nil are false in Lua: errexit is on with %s",
				s.describeValue(value, got))
		}
	}
}

func (s *script) checkLocalErrexit(n *luasyntax.LocalStmt) {
	for _, local := range n.Locals {
		if local.Name == "errexit" {
			s.add(local.Pos(), Error, nameErrexit,
				"errexit is a global variable: a local one of this name changes nothing")
		}
	}
}

func (s *script) checkMethod(call *luasyntax.Call) {
	if s.meaning(call.Function) == "C" {
		s.add(call.Method.Position, Error, nameArgumentType,
			"C:%[1]s passes C as the first argument: write C.%[1]s", call.Method.Value)
	}
}

// checkResults reports variables that a call at the end of the values leaves nil.
func (s *script) checkResults(targets []luasyntax.Node, values []luasyntax.Expr) {
	if len(values) == 0 {
		return
	}
	call, ok := values[len(values)-1].(*luasyntax.Call)
	if !ok {
		return
	}
	f := s.called(call)
	first := len(values) - 1
	if f == nil || len(targets)-first <= f.results {
		return
	}
	why := ""
	if f.results == 1 && f.name != "C.execve" {
		why = "; it cannot fail, and returns no errno"
	}
	s.add(targets[first+f.results].Pos(), Warning, nameResultCount, "this is nil: %s returns %s%s",
		f.name, count(f.results, "value"), why)
}
