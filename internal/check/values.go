package check

import (
	"maps"
	"strings"

	"github.com/go-initscript/initscript/internal/luasyntax"
)

// typeOf returns the type that an expression certainly has, as type() names it, or "".
func (s *script) typeOf(e luasyntax.Expr) string {
	typ, ok := s.types[e]
	if !ok {
		typ = s.findType(e)
		s.types[e] = typ
	}
	return typ
}

func (s *script) findType(e luasyntax.Expr) string {
	switch n := s.constantValue(e).(type) {
	case *luasyntax.Nil:
		return "nil"
	case *luasyntax.Bool:
		return "boolean"
	case *luasyntax.String:
		return "string"
	case *luasyntax.Table:
		return "table"
	case *luasyntax.Function:
		return "function"
	case *luasyntax.Number:
		if n.Kind != luasyntax.Float {
			return "cdata"
		}
		return "number"
	case *luasyntax.Unary:
		return s.typeOfUnary(n)
	case *luasyntax.Binary:
		return s.typeOfBinary(n)
	case *luasyntax.Call:
		return s.typeOfCall(n)
	case *luasyntax.Index, *luasyntax.Name:
		meaning := s.meaning(n)
		switch {
		case s.api.constants[meaning] != nil:
			return "number"
		case s.api.functions[meaning] != nil:
			return "function"
		case meaning == "math.huge" || meaning == "math.pi":
			return "number"
		}
	}
	return ""
}

func (s *script) typeOfUnary(n *luasyntax.Unary) string {
	switch {
	case n.Operator == "not":
		return "boolean"
	case s.typeOf(n.Operand) == "number":
		return "number"
	case n.Operator == "#" && s.typeOf(n.Operand) == "string":
		return "number"
	}
	return ""
}

// typeOfBinary knows operators on plain numbers and strings; others may have metamethods.
func (s *script) typeOfBinary(n *luasyntax.Binary) string {
	left, right := s.typeOf(n.Left), s.typeOf(n.Right)
	switch n.Operator {
	case "==", "~=", "<", "<=", ">", ">=":
		return "boolean"
	case "and", "or":
		return ""
	case "..":
		if isTextOrNumber(left) && isTextOrNumber(right) {
			return "string"
		}
		return ""
	}
	if left == "number" && right == "number" {
		return "number"
	}
	return ""
}

func isTextOrNumber(typ string) bool { return typ == "string" || typ == "number" }

func (s *script) typeOfCall(call *luasyntax.Call) string {
	if call.Method != nil {
		return ""
	}
	meaning := s.meaning(call.Function)
	if strings.HasPrefix(meaning, "bit.") && meaning != "bit.tohex" {
		// Of 64-bit operands the result is an object of FFI.
		for _, argument := range call.Args {
			if s.typeOf(argument) != "number" {
				return ""
			}
		}
		return "number"
	}
	if _, isNumber := s.callNumber(call); isNumber {
		return "number"
	}
	f := s.api.functions[meaning]
	if f == nil {
		return ""
	}
	switch {
	case f.result == "integer":
		return "number"
	case f.result == "string":
		return "string"
	case strings.HasSuffix(f.result, "[]"):
		return "table"
	}
	return ""
}

// flags are the constants that a number is made of, such as "C.O_CREAT", with their places.
type flags map[string]luasyntax.Position

// flagsOf returns the constants of an expression; ok says that it is made of nothing else, except
// for a 0 and permissions.
func (s *script) flagsOf(e luasyntax.Expr) (set flags, ok bool) {
	known, found := s.flags[e]
	if !found {
		known.set, known.ok = s.findFlags(e)
		s.flags[e] = known
	}
	return known.set, known.ok
}

type foundFlags struct {
	set flags
	ok  bool
}

func (s *script) findFlags(e luasyntax.Expr) (set flags, ok bool) {
	value := s.constantValue(e)
	if meaning := s.meaning(value); s.api.constants[meaning] != nil {
		return flags{meaning: e.Pos()}, true
	}
	switch n := value.(type) {
	case *luasyntax.Number:
		return nil, n.Value == 0
	case *luasyntax.Binary:
		if n.Operator == "+" {
			return s.allFlags(n.Left, n.Right)
		}
	case *luasyntax.Call:
		switch meaning := s.meaning(n.Function); {
		case n.Method != nil:
		case meaning == "mode":
			return nil, true
		case meaning == "bit.bor":
			return s.allFlags(n.Args...)
		}
	}
	return nil, false
}

func (s *script) allFlags(list ...luasyntax.Expr) (set flags, ok bool) {
	set, ok = flags{}, true
	for _, e := range list {
		part, complete := s.flagsOf(e)
		maps.Copy(set, part)
		ok = ok && complete
	}
	return set, ok
}

// has reports whether a constant is there.
func (f flags) has(name string) bool {
	_, ok := f[name]
	return ok
}

// argument returns an argument, and nil if there is none. ok is false if it may be one of several
// results of a call.
func argument(call *luasyntax.Call, i int) (e luasyntax.Expr, ok bool) {
	switch {
	case i < len(call.Args):
		return call.Args[i], i < len(call.Args)-1 || !isOpen(call.Args[i]) || isCall(call.Args[i])
	case len(call.Args) > 0 && isOpen(call.Args[len(call.Args)-1]):
		return nil, false
	}
	return nil, true
}

// isCall: the first result of a call at the end of a list is known if that of the call is.
func isCall(e luasyntax.Expr) bool {
	_, ok := e.(*luasyntax.Call)
	return ok
}
