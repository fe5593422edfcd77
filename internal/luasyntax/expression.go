package luasyntax

type priority struct{ left, right int }

// Operators with different priorities on their sides are right associative.
var priorities = map[kind]priority{
	"or": {1, 1}, "and": {2, 2},
	"<": {3, 3}, ">": {3, 3}, "<=": {3, 3}, ">=": {3, 3}, "~=": {3, 3}, "==": {3, 3},
	"..": {5, 4}, "+": {6, 6}, "-": {6, 6}, "*": {7, 7}, "/": {7, 7}, "%": {7, 7},
	"^": {10, 9},
}

const unaryPriority = 8

// maxChain is how many operators, or calls and fields, may follow each other without parentheses. LuaJIT
// has no such limit, but the tree of an endless expression would be too deep to walk.
const maxChain = 100_000

func (p *parser) checkChain(length int) {
	if length > maxChain {
		p.fail("expression of more than %d parts", maxChain)
	}
}

func (p *parser) expression() Expr { return p.binary(0) }

// expressions reads a list, which is not empty.
func (p *parser) expressions() []Expr {
	list := []Expr{p.expression()}
	for p.accept(",") {
		list = append(list, p.expression())
	}
	return list
}

// binary reads operators whose priority is above the limit.
func (p *parser) binary(limit int) Expr {
	p.enterLevel()
	defer p.leaveLevel()
	left := p.unary()
	for length := 0; ; length++ {
		p.checkChain(length)
		operator := p.token
		priority, ok := priorities[operator.kind]
		if !ok || priority.left <= limit {
			return left
		}
		p.next()
		left = &Binary{string(operator.kind), operator.Position, left, p.binary(priority.right)}
	}
}

func (p *parser) unary() Expr {
	operator := p.token
	switch operator.kind {
	case "not", "-", "#":
		p.next()
		return &Unary{operator.Position, string(operator.kind), p.binary(unaryPriority)}
	}
	return p.simple()
}

func (p *parser) simple() Expr {
	t := p.token
	var expression Expr
	switch t.kind {
	case tokenNumber:
		expression = &t.number
	case tokenString:
		expression = &String{t.Position, t.value}
	case "nil":
		expression = &Nil{t.Position}
	case "true", "false":
		expression = &Bool{t.Position, t.kind == "true"}
	case "...":
		if !p.function.node.Vararg {
			p.fail("cannot use '...' outside a vararg function")
		}
		expression = &Vararg{t.Position}
	case "{":
		return p.table()
	case "function":
		p.next()
		return p.functionBody(t.Position, p.lexer.line, false)
	default:
		return p.primary()
	}
	p.next()
	return expression
}

// variable is a name that stands for a variable.
func (p *parser) variable() *Name {
	name := p.name()
	return &Name{name.Position, name.value, p.function.find(name)}
}

// primary is a variable, a call, or what is in parentheses.
func (p *parser) primary() Expr {
	var expression Expr
	switch {
	case p.token.kind == "(":
		pos, line := p.token.Position, p.lexer.line
		p.next()
		expression = &Paren{pos, p.expression()}
		p.expectClosing(")", "(", line)
	case p.isName():
		expression = p.variable()
	default:
		p.fail("unexpected symbol")
	}
	for length := 0; ; length++ {
		p.checkChain(length)
		switch p.token.kind {
		case ".":
			p.next()
			name := p.name()
			expression = &Index{expression, &String{name.Position, name.value}}
		case "[":
			expression = &Index{expression, p.bracket()}
		case ":":
			p.next()
			name := p.name()
			expression = p.call(expression, &String{name.Position, name.value})
		case "(", "{", tokenString:
			expression = p.call(expression, nil)
		default:
			return expression
		}
	}
}

func (p *parser) bracket() Expr {
	p.next()
	key := p.expression()
	p.expect("]")
	return key
}

func (p *parser) call(function Expr, method *String) Expr {
	call := &Call{Function: function, Method: method, Paren: p.token.Position}
	switch p.token.kind {
	case "(":
		line := p.lexer.line
		if line != p.lastLine {
			p.fail("ambiguous syntax (function call x new statement)")
		}
		p.next()
		if p.token.kind != ")" {
			call.Args = p.expressions()
		}
		p.expectClosing(")", "(", line)
	case "{":
		call.Args = []Expr{p.table()}
	case tokenString:
		call.Args = []Expr{&String{p.token.Position, p.token.value}}
		p.next()
	default:
		p.fail("function arguments expected")
	}
	return call
}

func (p *parser) table() Expr {
	table := &Table{Position: p.token.Position}
	line := p.lexer.line
	p.expect("{")
	for p.token.kind != "}" {
		table.Fields = append(table.Fields, p.field())
		if !p.accept(",") && !p.accept(";") {
			break
		}
	}
	p.expectClosing("}", "{", line)
	return table
}

func (p *parser) field() Field {
	var key Expr
	switch {
	case p.token.kind == "[":
		key = p.bracket()
		p.expect("=")
	case p.isName() && p.peek() == "=":
		name := p.name()
		key = &String{name.Position, name.value}
		p.expect("=")
	}
	return Field{key, p.expression()}
}

// functionBody reads from the parameters to the end.
func (p *parser) functionBody(pos Position, line int, method bool) *Function {
	node := &Function{Position: pos}
	p.function = &function{parent: p.function, node: node, line: line}
	p.function.open(false)
	p.expect("(")
	if method {
		self := token{Position: pos, value: "self"}
		node.Params = append(node.Params, p.function.newLocal(self, 0))
	}
	for p.token.kind != ")" {
		if p.accept("...") {
			node.Vararg = true
			break
		}
		if !p.isName() {
			p.fail("<name> or '...' expected")
		}
		node.Params = append(node.Params, p.function.newLocal(p.token, len(node.Params)))
		p.next()
		if !p.accept(",") {
			break
		}
		if p.token.kind == ")" {
			p.fail("<name> or '...' expected")
		}
	}
	p.function.declare(node.Params...)
	p.expect(")")
	node.Body = p.statements()
	if p.token.kind != "end" {
		p.expectClosing("end", "function", line) // before labels that are missing
	}
	p.function.close()
	p.next()
	p.function = p.function.parent
	return node
}
