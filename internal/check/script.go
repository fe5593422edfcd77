package check

import (
	"slices"

	"github.com/go-initscript/initscript/internal/luasyntax"
)

// script is a script and what is known about its names.
type script struct {
	*report
	api     *api
	chunk   *luasyntax.Chunk
	options Options
	abi     int // of Landlock, or newestABI

	// unpredictable says that names may stand for anything: the script changes environments, or
	// passes C or _G on to something that might change it.
	unpredictable bool
	values        map[*luasyntax.Local]luasyntax.Expr      // of variables that never change
	functions     map[*luasyntax.Local]*luasyntax.Function // declared as local functions
	uses          map[*luasyntax.Local]int
	assigned      map[string]int // global variables, and fields of C as "C.open"
	globals       map[string]*luasyntax.Function
	fields        map[string]bool // names of fields that are set anywhere
	askedFor      map[string]bool // global variables that are read without being called or indexed
	// indirect are functions of the API that are passed on, and may be called by something else.
	indirect []string
	guarded  map[*luasyntax.Function]bool // what pcall calls
	usesFFI  bool
	// asksForType says that the script calls type, perhaps for arg.
	asksForType bool
	// loads says that code from elsewhere may set variables and fields of C.
	loads bool
	// keepsCapabilities says that the script may change what user ids mean for capabilities.
	keepsCapabilities bool
	effects           effects

	built map[*luasyntax.Local]*built

	types   map[luasyntax.Expr]string // found by typeOf
	flags   map[luasyntax.Expr]foundFlags
	numbers map[luasyntax.Expr]foundNumber
	texts   map[luasyntax.Expr]foundText
}

const newestABI = 1 << 30

func newScript(chunk *luasyntax.Chunk, a *api, options Options, r *report) *script {
	if options.Target == "" {
		options.Target = "linux"
	}
	s := &script{
		report: r, api: a, chunk: chunk, options: options, abi: newestABI,
		values:    map[*luasyntax.Local]luasyntax.Expr{},
		functions: map[*luasyntax.Local]*luasyntax.Function{},
		uses:      map[*luasyntax.Local]int{}, assigned: map[string]int{},
		globals: map[string]*luasyntax.Function{}, fields: map[string]bool{},
		askedFor: map[string]bool{},
		guarded:  map[*luasyntax.Function]bool{},
		built:    map[*luasyntax.Local]*built{},
		types:    map[luasyntax.Expr]string{}, flags: map[luasyntax.Expr]foundFlags{},
		numbers: map[luasyntax.Expr]foundNumber{}, texts: map[luasyntax.Expr]foundText{},
	}
	switch {
	case options.LandlockABI != nil:
		s.abi = *options.LandlockABI
	case !s.newestKernel():
		s.abi = a.landlockABI(options.Kernel)
	}
	luasyntax.Walk(chunk.Main, s.declare)
	luasyntax.Walk(chunk.Main, s.assign)
	s.findEscapes(chunk.Main, nil)
	s.findBuilt()
	s.keepsCapabilities = s.mayKeepCapabilities()
	s.effects = s.allEffects()
	return s
}

func (s *script) newestKernel() bool { return s.options.Kernel.Major == 0 }

// declare notes the values of variables that are never assigned to.
func (s *script) declare(node luasyntax.Node) bool {
	switch n := node.(type) {
	case *luasyntax.Name:
		if n.Local != nil {
			s.uses[n.Local]++
		}
	case *luasyntax.LocalFunctionStmt:
		if !n.Local.Assigned {
			s.functions[n.Local] = n.Function
		}
	case *luasyntax.LocalStmt:
		for i, local := range n.Locals {
			if value := valueAt(n.Values, i); value != nil && !local.Assigned {
				s.values[local] = value
			}
		}
	}
	return true
}

// valueAt returns the expression that gives the i-th variable its value, or nil if that is one of
// several results.
func valueAt(values []luasyntax.Expr, i int) luasyntax.Expr {
	switch {
	case i < len(values)-1:
		return values[i]
	case i == len(values)-1:
		// The first result of a call is that of the call itself.
		return values[i]
	case len(values) == 0 || !isOpen(values[len(values)-1]):
		return &luasyntax.Nil{}
	}
	return nil
}

// isOpen reports whether an expression at the end of a list can have several values.
func isOpen(e luasyntax.Expr) bool {
	switch e.(type) {
	case *luasyntax.Call, *luasyntax.Vararg:
		return true
	}
	return false
}

// assign notes what is assigned to: global variables, and fields.
func (s *script) assign(node luasyntax.Node) bool {
	switch n := node.(type) {
	case *luasyntax.AssignStmt:
		for _, target := range n.Targets {
			s.assignTo(target)
		}
	case *luasyntax.FunctionStmt:
		name, isName := n.Target.(*luasyntax.Name)
		s.assignTo(n.Target)
		if isName && name.Local == nil {
			s.globals[name.Name] = n.Function
		}
	case *luasyntax.Table:
		for _, field := range n.Fields {
			if key, ok := field.Key.(*luasyntax.String); ok {
				s.fields[key.Value] = true
			}
		}
	}
	return true
}

func (s *script) assignTo(target luasyntax.Expr) {
	switch n := target.(type) {
	case *luasyntax.Name:
		if n.Local == nil {
			s.assigned[n.Name]++
		}
	case *luasyntax.Index:
		object := s.meaning(n.Object)
		key, ok := s.text(n.Key)
		switch {
		case !ok && (object == "C" || object == "_G"):
			s.unpredictable = true
		case object == "C":
			s.assigned["C."+key]++
		case object == "_G":
			s.assigned[key]++
		case object != "":
			s.assigned[object+"."+key]++
		}
		if ok {
			s.fields[key] = true
		}
	}
}

// meaning returns the global name that an expression stands for, such as "C.open" or "bit.bor"; ""
// if it is not certain.
func (s *script) meaning(e luasyntax.Expr) string {
	return s.meaningWithin(e, maxAliases)
}

// maxAliases ends the search in variables that stand for each other.
const maxAliases = 100

func (s *script) meaningWithin(e luasyntax.Expr, depth int) string {
	if depth == 0 {
		return ""
	}
	switch n := e.(type) {
	case *luasyntax.Paren:
		return s.meaningWithin(n.Inner, depth-1)
	case *luasyntax.Name:
		if n.Local == nil {
			return s.unlessAssigned(n.Name)
		}
		if value, ok := s.values[n.Local]; ok {
			switch value.(type) {
			case *luasyntax.Name, *luasyntax.Index, *luasyntax.Paren:
				return s.meaningWithin(value, depth-1)
			}
			return s.required(value)
		}
	case *luasyntax.Index:
		object := s.meaningWithin(n.Object, depth-1)
		key, ok := s.text(n.Key)
		switch {
		case object == "" || !ok:
		case object == "_G":
			return s.unlessAssigned(key)
		default:
			return s.unlessAssigned(object + "." + key)
		}
	case *luasyntax.Call:
		return s.required(n)
	}
	return ""
}

func (s *script) unlessAssigned(name string) string {
	if s.assigned[name] > 0 && name != "errexit" {
		return ""
	}
	return name
}

// libraries are what require gives to every script.
var libraries = []string{"bit", "coroutine", "debug", "ffi", "io", "jit", "math", "os", "package",
	"string", "table"}

// required returns the library of LuaJIT that an expression such as require "ffi" gives, or "".
func (s *script) required(e luasyntax.Expr) string {
	call, ok := e.(*luasyntax.Call)
	if !ok || len(call.Args) != 1 || call.Method != nil {
		return ""
	}
	name, isName := call.Function.(*luasyntax.Name)
	library, isText := call.Args[0].(*luasyntax.String)
	if !isName || !isText || name.Local != nil || name.Name != "require" || s.assigned["require"] > 0 ||
		!slices.Contains(libraries, library.Value) {
		return ""
	}
	return library.Value
}

// constantValue follows variables that never change to what they were declared with.
func (s *script) constantValue(e luasyntax.Expr) luasyntax.Expr {
	for range maxAliases {
		switch n := e.(type) {
		case *luasyntax.Paren:
			e = n.Inner
		case *luasyntax.Name:
			value, ok := s.values[n.Local]
			if n.Local == nil || !ok {
				return e
			}
			if _, several := value.(*luasyntax.Vararg); several {
				return e
			}
			e = value
		default:
			return e
		}
	}
	return e
}

// harmless are functions that C and _G can be passed to.
var harmless = []string{"type", "tostring", "print", "pairs", "next", "rawget", "rawequal", "assert"}

// findEscapes notes what makes a script unpredictable, which functions of the API are passed on,
// and what is called by pcall.
func (s *script) findEscapes(node luasyntax.Node, parent luasyntax.Node) {
	switch n := node.(type) {
	case *luasyntax.Name, *luasyntax.Index:
		s.findEscape(n.(luasyntax.Expr), parent)
	case *luasyntax.Call:
		s.usesFFI = s.usesFFI || s.required(n) == "ffi"
		s.loads = s.loads || s.loadsCode(n)
		switch s.meaning(n.Function) {
		case "setfenv", "getfenv", "module", "debug.setfenv", "debug.getregistry", "debug.setupvalue",
			"debug.setlocal", "debug.setmetatable", "debug.getupvalue":
			s.unpredictable = true
		case "type":
			s.asksForType = true
		case "pcall", "xpcall":
			if len(n.Args) > 0 {
				s.guard(n.Args[0])
			}
		}
	}
	for _, child := range luasyntax.Children(node) {
		s.findEscapes(child, node)
	}
}

func (s *script) guard(e luasyntax.Expr) {
	if function := s.functionValue(e); function != nil {
		s.guarded[function] = true
	}
}

// functionValue returns the function of the script that an expression certainly is, or nil.
func (s *script) functionValue(e luasyntax.Expr) *luasyntax.Function {
	switch n := s.constantValue(e).(type) {
	case *luasyntax.Function:
		return n
	case *luasyntax.Name:
		if n.Local != nil {
			return s.functions[n.Local]
		}
		if s.assigned[n.Name] == 1 {
			return s.globals[n.Name]
		}
	}
	return nil
}

func (s *script) findEscape(e luasyntax.Expr, parent luasyntax.Node) {
	meaning := s.meaning(e)
	called, indexed := false, false
	switch n := parent.(type) {
	case *luasyntax.Call:
		called = n.Function == e
		if called && n.Method != nil && meaning == "C" {
			return // which checkUses reports
		}
		if !called && (meaning == "C" || meaning == "_G") &&
			slices.Contains(harmless, s.meaning(n.Function)) {
			return
		}
	case *luasyntax.Index:
		indexed = n.Object == e
	case *luasyntax.LocalStmt:
		// A name for it, which meaning follows.
		for i, local := range n.Locals {
			if i < len(n.Values) && n.Values[i] == e && !local.Assigned {
				return
			}
		}
	}
	name, isName := e.(*luasyntax.Name)
	switch {
	case (meaning == "C" || meaning == "_G") && !indexed:
		s.unpredictable = true
	case (s.api.functions[meaning] != nil || meaning == "os.exit") && !called:
		s.indirect = append(s.indirect, meaning)
	}
	if isName && name.Local == nil && !called && !indexed {
		s.askedFor[name.Name] = true
	}
}
