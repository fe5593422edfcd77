package check

import (
	"math"
	"slices"
	"strings"

	"github.com/go-initscript/initscript/internal/luasyntax"
)

// built is a table that is made by a constructor, to whose end elements are appended, and which one
// call gets. Nothing else is done to it.
type built struct {
	local    *luasyntax.Local
	table    *luasyntax.Table
	appended []luasyntax.Expr
	known    int // uses that are of these kinds
	passed   int
}

// findBuilt finds such tables.
func (s *script) findBuilt() {
	tables := map[*luasyntax.Local]*built{}
	of := func(e luasyntax.Expr) *built {
		name, ok := e.(*luasyntax.Name)
		if !ok || name.Local == nil {
			return nil
		}
		if table, ok := s.values[name.Local].(*luasyntax.Table); ok && tables[name.Local] == nil {
			tables[name.Local] = &built{local: name.Local, table: table}
		}
		return tables[name.Local]
	}
	luasyntax.Walk(s.chunk.Main, func(node luasyntax.Node) bool {
		switch n := node.(type) {
		case *luasyntax.AssignStmt:
			s.findAppended(n, of)
		case *luasyntax.Call:
			s.findPassed(n, of)
		}
		return true
	})
	for local, b := range tables {
		if b.known == s.uses[local] && b.passed == 1 && len(b.appended) > 0 {
			s.built[local] = b
		}
	}
}

// findAppended recognizes t[#t + 1] = value.
func (s *script) findAppended(n *luasyntax.AssignStmt, of func(luasyntax.Expr) *built) {
	if len(n.Targets) != 1 || len(n.Values) != 1 {
		return
	}
	target, ok := n.Targets[0].(*luasyntax.Index)
	if !ok || of(target.Object) == nil {
		return
	}
	sum, ok := target.Key.(*luasyntax.Binary)
	if !ok || sum.Operator != "+" {
		return
	}
	length, isLength := sum.Left.(*luasyntax.Unary)
	one, isOne := s.number(sum.Right)
	if b := of(target.Object); isLength && length.Operator == "#" && of(length.Operand) == b && isOne &&
		one == 1 {
		b.known += 2
		b.appended = append(b.appended, n.Values[0])
	}
}

// findPassed recognizes table.insert(t, value), and functions of the API that get the table, or one
// that has it as a field.
func (s *script) findPassed(call *luasyntax.Call, of func(luasyntax.Expr) *built) {
	if s.meaning(call.Function) == "table.insert" && len(call.Args) == 2 && !isOpen(call.Args[1]) {
		if b := of(call.Args[0]); b != nil {
			b.known++
			b.appended = append(b.appended, call.Args[1])
		}
		return
	}
	if s.called(call) == nil {
		return
	}
	pass := func(e luasyntax.Expr) {
		if b := of(e); b != nil {
			b.known++
			b.passed++
		}
	}
	for _, e := range call.Args {
		pass(e)
		if table, ok := e.(*luasyntax.Table); ok {
			for _, field := range table.Fields {
				pass(field.Value)
			}
		}
	}
}

// builtTable returns the table that a variable stands for.
func (s *script) builtTable(e luasyntax.Expr) *built {
	name, ok := e.(*luasyntax.Name)
	if !ok || name.Local == nil {
		return nil
	}
	return s.built[name.Local]
}

// checkList checks the elements of a list, and reports what is not looked at.
func (s *script) checkList(table *luasyntax.Table, appended []luasyntax.Expr, element string, at place) {
	elements := slices.Clone(appended)
	given := map[string]bool{}
	for _, field := range table.Fields {
		if key, ok := field.Key.(*luasyntax.String); ok {
			s.add(key.Position, Error, nameList,
				"%s is a list, without names: %s is ignored",
				strings.TrimSuffix(at.what, ","), key.Value)
			continue
		}
		elements = append(elements, field.Value)
	}
	s.checkHoles(table)
	for _, e := range elements {
		s.checkElement(e, element, at)
		if text, ok := s.text(e); ok && s.api.texts[element] != nil {
			if given[text] {
				s.add(e.Pos(), Error, nameList, "%q is given twice", text)
			}
			given[text] = true
		}
	}
}

// checkHoles reports what comes after a nil, where a list ends, and what has another key.
func (s *script) checkHoles(table *luasyntax.Table) {
	positional, keyed := 0, map[float64]luasyntax.Expr{}
	var hole luasyntax.Expr
	certain := true
	for _, field := range table.Fields {
		if field.Key != nil {
			if key, ok := s.number(field.Key); ok && s.typeOf(field.Key) == "number" {
				keyed[key] = field.Value
			} else if _, isText := s.text(field.Key); !isText {
				return // any
			}
			continue
		}
		positional++
		isNil := s.typeOf(field.Value) == "nil"
		switch {
		case hole != nil && !isNil && certain:
			s.add(field.Value.Pos(), Error, nameList,
				"this comes after a nil, where the list ends: it is ignored")
		case hole != nil && !isNil:
			s.add(hole.Pos(), Warning, nameList,
				"where this is nil the list ends, and what comes after it is ignored")
			hole = nil
		}
		if isNil && hole == nil || hole == nil && s.mayBeNil(field.Value) {
			hole, certain = field.Value, isNil
		}
	}
	end := float64(positional)
	for keyed[end+1] != nil && s.typeOf(keyed[end+1]) != "nil" {
		end++
	}
	for key, value := range keyed {
		if (key < 1 || key != math.Floor(key) || key > end) && s.typeOf(value) != "nil" {
			s.add(value.Pos(), Error, nameList,
				"the list ends at %s: what has the key %s is ignored", formatNumber(end),
				formatNumber(key))
		}
	}
}

// mayBeNil recognizes condition and value or nil.
func (s *script) mayBeNil(e luasyntax.Expr) bool {
	choice, ok := s.constantValue(e).(*luasyntax.Binary)
	return ok && choice.Operator == "or" && s.typeOf(choice.Right) == "nil"
}
