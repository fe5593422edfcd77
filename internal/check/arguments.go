package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/lazyregexp"
	"github.com/go-initscript/initscript/internal/luasyntax"
)

func count(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "1 " + what
	default:
		return fmt.Sprintf("%d %ss", n, what)
	}
}

// checkCall compares the arguments with the parameters.
func (s *script) checkCall(call *luasyntax.Call, f *function) {
	signatures := s.candidates(call, f)
	if len(signatures) == 0 {
		return // reported
	}
	longest := signatures[0]
	required := signatures[0].required()
	for _, signature := range signatures {
		if len(signature) > len(longest) {
			longest = signature
		}
		required = min(required, signature.required())
	}
	if given, ok := s.given(call); ok && given < required {
		s.add(call.Paren, Error, nameArgumentCount, "%s takes %s (%s): %s is missing",
			f.name, count(len(longest), "argument"), parameterNames(longest), longest[given].name)
	}
	if len(call.Args) > len(longest) {
		s.add(call.Args[len(longest)].Pos(), Error, nameArgumentCount, "%s takes %s%s: this is ignored",
			f.name, count(len(longest), "argument"), inParentheses(parameterNames(longest)))
	}
	for i := range longest {
		e, ok := argument(call, i)
		if e == nil || !ok {
			break
		}
		s.checkArgument(e, i, f, signatures)
		s.checkOctal(e)
	}
	s.checkOptional(call, f)
}

var octal = lazyregexp.New(`^0[0-7]+$`)

// checkOctal reports 0755, which is no octal number in Lua.
func (s *script) checkOctal(e luasyntax.Expr) {
	if !s.isOctal(e) {
		return
	}
	number := s.constantValue(e).(*luasyntax.Number)
	var hint string
	if digits := strings.TrimLeft(number.Text, "0"); len(digits) <= 3 {
		digits = strings.Repeat("0", 3-len(digits)) + digits
		hint = fmt.Sprintf("mode(%c, %c, %c)", digits[0], digits[1], digits[2])
	} else {
		hint = fmt.Sprintf(`tonumber("%s", 8)`, digits)
	}
	s.add(e.Pos(), Warning, nameOctal, "%s is decimal in Lua, %v: the octal number is %s", number.Text,
		number.Value, hint)
}

func (s *script) isOctal(e luasyntax.Expr) bool {
	number, ok := s.constantValue(e).(*luasyntax.Number)
	return ok && octal().MatchString(number.Text) && number.Value != 0
}

// given returns how many arguments are given.
func (s *script) given(call *luasyntax.Call) (n int, ok bool) {
	n = len(call.Args)
	if n == 0 || !isOpen(call.Args[n-1]) {
		return n, true
	}
	last, isCall := call.Args[n-1].(*luasyntax.Call)
	if !isCall {
		return 0, false
	}
	if f := s.called(last); f != nil {
		return n - 1 + f.results, true
	}
	return 0, false
}

func parameterNames(s signature) string {
	var names []string
	for _, p := range s {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

func inParentheses(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// candidates returns the signatures that the strings among the arguments select.
func (s *script) candidates(call *luasyntax.Call, f *function) []signature {
	var fitting []signature
	allowed := map[string]bool{}
	var wrong luasyntax.Expr
	wrongText := ""
	for _, signature := range f.calls {
		fits := true
		for i, p := range signature {
			literal, isLiteral := strings.CutPrefix(p.typ, `"`)
			if !isLiteral || i >= len(call.Args) {
				continue
			}
			literal = strings.TrimSuffix(literal, `"`)
			allowed[literal] = true
			if text, ok := s.text(call.Args[i]); ok && text != literal {
				fits, wrong, wrongText = false, call.Args[i], text
			}
		}
		if fits {
			fitting = append(fitting, signature)
		}
	}
	if len(fitting) == 0 {
		s.add(wrong.Pos(), Error, nameUnknownText, "%s takes %s here, not %q%s", f.name,
			quotedList(allowed, "or"), wrongText, similar(wrongText, allowed))
	}
	return fitting
}

func quotedList(texts map[string]bool, conjunction string) string {
	var list []string
	for _, text := range slices.Sorted(maps.Keys(texts)) {
		list = append(list, fmt.Sprintf("%q", text))
	}
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " " + conjunction + " " + list[last]
}

// checkArgument checks the argument against the i-th parameter of all signatures.
func (s *script) checkArgument(e luasyntax.Expr, i int, f *function, signatures []signature) {
	var types []string
	for _, signature := range signatures {
		if i >= len(signature) {
			return // superfluous in this one
		}
		p := signature[i]
		types = append(types, definitions.SplitType(p.typ, '|')...)
		if p.optional {
			types = append(types, "nil")
		}
	}
	first := signatures[0][i]
	what := fmt.Sprintf("argument %d of %s, %s,", i+1, f.name, first.name)
	s.checkType(e, types, place{f.name, first.name, what, first.numbers}, false)
}

// place is where a value goes: the parameter of a function, or a field. what is how a message calls it.
type place struct {
	function, name, what string
	numbers              *definitions.Numbers // that it may be; nil if any
}

func (p place) called(what string) place {
	p.what = what
	return p
}

// checkType reports a value that has none of the types. strict is for elements of tables: there a
// number is no string and a string no number.
func (s *script) checkType(e luasyntax.Expr, types []string, at place, strict bool) {
	got := s.typeOf(e)
	if got == "" {
		return
	}
	fitting := slices.DeleteFunc(slices.Clone(types),
		func(typ string) bool { return !s.takes(typ, got, e, strict) })
	if len(fitting) > 0 {
		s.checkValue(e, slices.Compact(fitting), at)
		return
	}
	s.add(e.Pos(), Error, nameArgumentType,
		"%s is %s, not %s", at.what, s.describeValue(e, got), describeTypes(types))
}

// checkValue looks at a value that has the right type.
func (s *script) checkValue(e luasyntax.Expr, types []string, at place) {
	if built := s.builtTable(e); built != nil && len(types) == 1 {
		if element, isList := strings.CutSuffix(types[0], "[]"); isList {
			s.checkList(built.table, built.appended, element, at)
		}
	}
	if table, ok := s.tableOf(e); ok && len(types) == 1 {
		s.checkTable(table, types[0], at)
	}
	if slices.Contains(types, "integer") {
		s.checkRange(e, at)
	}
	if slices.Contains(types, "string") {
		s.checkText(e, at)
	}
}

func (s *script) takes(typ, got string, e luasyntax.Expr, strict bool) bool {
	switch {
	case typ == "integer":
		if got == "string" && !strict {
			_, isLiteral := s.text(e)
			_, isNumber := s.number(e)
			return isNumber || !isLiteral
		}
		return got == "number"
	case typ == "string" || strings.HasPrefix(typ, `"`):
		return got == "string" || got == "number" && !strict
	case typ == "boolean" || typ == "nil":
		return got == typ
	default:
		return got == "table"
	}
}

func (s *script) describeValue(e luasyntax.Expr, got string) string {
	switch got {
	case "nil":
		return "nil"
	case "boolean":
		return "a boolean"
	case "cdata":
		return "an object of FFI"
	case "string":
		if text, ok := s.text(e); ok && len(text) < 30 {
			return fmt.Sprintf("the string %q", text)
		}
	}
	return "a " + got
}

func describeTypes(types []string) string {
	var names []string
	for _, typ := range types {
		name := "a table"
		switch {
		case typ == "integer":
			name = "a number"
		case typ == "string" || strings.HasPrefix(typ, `"`):
			name = "a string"
		case typ == "boolean":
			name = "a boolean"
		case typ == "nil":
			name = "nil"
		case strings.HasSuffix(typ, "[]"):
			name = "a list"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " or ")
}

// tableOf returns the constructor of a table that nothing else has a chance to change.
func (s *script) tableOf(e luasyntax.Expr) (table *luasyntax.Table, ok bool) {
	for range maxAliases {
		switch n := e.(type) {
		case *luasyntax.Table:
			return n, true
		case *luasyntax.Paren:
			e = n.Inner
		case *luasyntax.Name:
			value, known := s.values[n.Local]
			if n.Local == nil || !known || s.uses[n.Local] > 1 {
				return nil, false
			}
			e = value
		default:
			return nil, false
		}
	}
	return nil, false
}

// checkTable checks the elements of a list, or the fields.
func (s *script) checkTable(table *luasyntax.Table, typ string, at place) {
	if element, isList := strings.CutSuffix(typ, "[]"); isList {
		s.checkList(table, nil, element, at)
		return
	}
	if class := s.api.classes[typ]; class != nil {
		s.checkFields(table, class, at)
		return
	}
	if types, isMap := strings.CutPrefix(typ, "table<"); isMap {
		parts := definitions.SplitType(strings.TrimSuffix(types, ">"), ',')
		for _, field := range table.Fields {
			s.checkKey(field, at)
			if _, ok := field.Key.(*luasyntax.String); ok {
				s.checkType(field.Value, definitions.SplitType(strings.TrimSpace(parts[1]), '|'),
					at.called("a value in "+at.what), true)
			}
		}
	}
}

// checkKey reports a key that is no name, or not the name that it seems to be.
func (s *script) checkKey(field luasyntax.Field, at place) {
	table := strings.TrimSuffix(at.what, ",")
	if field.Key == nil {
		s.add(field.Value.Pos(), Error, nameList, "%s has names: this has none", table)
		return
	}
	text, ok := s.text(field.Key)
	switch {
	case !ok:
	case text == "" || strings.ContainsAny(text, "=\x00") && at.name == "envp":
		s.add(field.Key.Pos(), Error, nameArgumentValue, "%q is no name of a variable", text)
	}
}

func (s *script) checkElement(e luasyntax.Expr, typ string, at place) {
	inList := at.called("an element of " + at.what)
	list := s.api.texts[typ]
	if list == nil {
		s.checkType(e, []string{typ, "nil"}, inList, true)
		return
	}
	text, ok := s.text(e)
	if !ok {
		s.checkType(e, []string{"string", "nil"}, inList, true)
		return
	}
	if !slices.Contains(list.texts, text) {
		names := map[string]bool{}
		for _, name := range list.texts {
			names[name] = true
		}
		hint := similar(text, names)
		if hint == "" {
			hint = ": there are " + quotedList(names, "and")
		}
		s.add(e.Pos(), Error, nameUnknownText, "%q does not exist here%s", text, hint)
	}
}

func (s *script) checkFields(table *luasyntax.Table, class *class, at place) {
	names := map[string]bool{}
	for _, field := range class.fields {
		names[field.name] = true
	}
	what := at.what
	set, closed := map[string]bool{}, true
	for _, field := range table.Fields {
		key, ok := field.Key.(*luasyntax.String)
		if !ok {
			closed = closed && field.Key == nil
			if field.Key == nil {
				s.add(field.Value.Pos(), Error, nameUnknownField,
					"%s has fields: this has no name", strings.TrimSuffix(what, ","))
			}
			continue
		}
		set[key.Value] = true
		i := slices.IndexFunc(class.fields, func(p parameter) bool { return p.name == key.Value })
		switch {
		case i >= 0:
			p := class.fields[i]
			s.checkType(field.Value, append(definitions.SplitType(p.typ, '|'), "nil"),
				place{at.function, p.name, "the field " + p.name, p.numbers}, true)
		case class.strict:
			s.add(key.Position, Error, nameUnknownField, "there is no field %s%s", key.Value,
				similar(key.Value, names))
		default:
			s.add(key.Position, Error, nameUnknownField,
				"there is no field %s, so it is ignored%s", key.Value,
				similar(key.Value, names))
		}
	}
	for _, p := range class.fields {
		if !p.optional && !set[p.name] && closed {
			s.add(table.Position, Error, nameUnknownField, "the field %s is missing in %s", p.name,
				strings.TrimSuffix(what, ","))
		}
	}
}
