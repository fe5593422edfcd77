// Package luasyntax parses the Lua of LuaJIT 2.1, with positions in lines and columns, and finds out
// which variable each name stands for. Nothing is executed.
//
// It accepts what LuaJIT accepts, built without its compatibility with Lua 5.2, and refuses the rest
// with the same messages. Syntax that came after the releases which distributions ship, such as
// compound assignment, is not known. There are two limits of LuaJIT that are not looked at, registers
// and constants of one function, and one that LuaJIT does not have: a chain of operators, calls or
// fields has at most 100000 parts.
package luasyntax

import "slices"

type parser struct {
	lexer     *lexer
	token     token
	lookahead *token
	lastLine  int // where the token before ended
	level     int
	function  *function
}

// Parse reads a source text. The error is an *Error.
func Parse(source string) (chunk *Chunk, err error) {
	defer func() {
		if failure := recover(); failure != nil {
			syntaxError, ok := failure.(*Error)
			if !ok {
				panic(failure)
			}
			chunk, err = nil, syntaxError
		}
	}()
	p := &parser{lexer: newLexer(source)}
	main := &Function{Position: Position{1, 1}, Vararg: true}
	p.function = &function{node: main}
	p.function.open(false)
	p.next()
	main.Body = p.statements()
	if p.token.kind != tokenEOF {
		p.expected(tokenEOF)
	}
	p.function.close()
	return &Chunk{main, p.lexer.comments}, nil
}

func (p *parser) next() {
	p.lastLine = p.lexer.line
	if p.lookahead != nil {
		p.token, p.lookahead = *p.lookahead, nil
		return
	}
	p.token = p.lexer.next()
}

// peek returns the kind of the token after the current one.
func (p *parser) peek() kind {
	t := p.lexer.next()
	p.lookahead = &t
	return t.kind
}

// fail reports the current token.
func (p *parser) fail(format string, args ...any) {
	fail(p.token.Position, p.token.text, format, args...)
}

func (p *parser) expected(k kind) { p.fail("'%s' expected", k) }

// accept skips the token if it is of that kind.
func (p *parser) accept(k kind) bool {
	if p.token.kind != k {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(k kind) {
	if !p.accept(k) {
		p.expected(k)
	}
}

// expectClosing is for what closes something that was opened on a line.
func (p *parser) expectClosing(closing, opening kind, line int) {
	if p.token.kind != closing && line != p.lexer.line {
		p.fail("'%s' expected (to close '%s' at line %d)", closing, opening, line)
	}
	p.expect(closing)
}

// isName: goto is a name where no statement begins.
func (p *parser) isName() bool { return p.token.kind == tokenName || p.token.kind == "goto" }

func (p *parser) name() token {
	if !p.isName() {
		p.expected(tokenName)
	}
	name := p.token
	p.next()
	return name
}

func (p *parser) enterLevel() {
	if p.level++; p.level >= maxLevels {
		fail(p.token.Position, "", "chunk has too many syntax levels")
	}
}

func (p *parser) leaveLevel() { p.level-- }

func (p *parser) atBlockEnd() bool {
	return slices.Contains([]kind{"else", "elseif", "end", "until", tokenEOF}, p.token.kind)
}

// block has a scope of its own, statements are in the current one.
func (p *parser) block() *Block {
	p.function.open(false)
	defer p.function.close()
	return p.statements()
}

func (p *parser) statements() *Block {
	p.enterLevel()
	defer p.leaveLevel()
	block := &Block{}
	for !p.atBlockEnd() {
		if p.token.kind == "::" {
			block.Stmts = append(block.Stmts, p.labels()...)
			p.accept(";")
			continue
		}
		statement := p.statement()
		block.Stmts = append(block.Stmts, statement)
		p.accept(";")
		switch statement.(type) {
		case *ReturnStmt, *BreakStmt:
			return block
		}
	}
	return block
}

func (p *parser) statement() Stmt {
	pos, line := p.token.Position, p.lexer.line
	switch p.token.kind {
	case "if":
		return p.ifStatement(pos, line)
	case "while":
		return p.whileStatement(pos, line)
	case "do":
		p.next()
		body := p.block()
		p.expectClosing("end", "do", line)
		return &DoStmt{pos, body}
	case "for":
		return p.forStatement(pos, line)
	case "repeat":
		return p.repeatStatement(pos, line)
	case "function":
		return p.functionStatement(pos, line)
	case "local":
		p.next()
		if p.accept("function") {
			return p.localFunction(pos)
		}
		return p.localStatement(pos)
	case "return":
		return p.returnStatement(pos)
	case "break":
		p.next()
		p.function.jump(GotoStmt{Position: pos})
		return &BreakStmt{pos}
	case "goto":
		if p.peek() == tokenName {
			p.next()
			return p.gotoStatement(pos)
		}
	}
	return p.expressionStatement()
}

func (p *parser) ifStatement(pos Position, line int) Stmt {
	statement := &IfStmt{Position: pos}
	for {
		p.next() // if or elseif
		condition := p.expression()
		p.expect("then")
		statement.Clauses = append(statement.Clauses, IfClause{condition, p.block()})
		if p.token.kind != "elseif" {
			break
		}
	}
	if p.accept("else") {
		statement.Else = p.block()
	}
	p.expectClosing("end", "if", line)
	return statement
}

func (p *parser) whileStatement(pos Position, line int) Stmt {
	p.next()
	condition := p.expression()
	p.function.open(true)
	defer p.function.close()
	p.expect("do")
	body := p.block()
	p.expectClosing("end", "while", line)
	return &WhileStmt{pos, condition, body}
}

func (p *parser) repeatStatement(pos Position, line int) Stmt {
	p.function.open(true)
	defer p.function.close()
	p.function.open(false)
	defer p.function.close()
	p.next()
	body := p.statements()
	p.expectClosing("until", "repeat", line)
	return &RepeatStmt{pos, body, p.expression()}
}

func (p *parser) forStatement(pos Position, line int) Stmt {
	p.function.open(true)
	defer p.function.close()
	p.next()
	name := p.name()
	var statement Stmt
	switch p.token.kind {
	case "=":
		statement = p.numericFor(pos, name)
	case ",", "in":
		statement = p.genericFor(pos, name)
	default:
		p.fail("'=' or 'in' expected")
	}
	p.expectClosing("end", "for", line)
	return statement
}

func (p *parser) numericFor(pos Position, name token) Stmt {
	statement := &NumericForStmt{Position: pos, Local: p.function.newLocal(name, hiddenLocals)}
	p.expect("=")
	statement.First = p.expression()
	p.expect(",")
	statement.Last = p.expression()
	if p.accept(",") {
		statement.Step = p.expression()
	}
	statement.Body = p.forBody(statement.Local)
	return statement
}

func (p *parser) genericFor(pos Position, name token) Stmt {
	statement := &GenericForStmt{
		Position: pos, Locals: []*Local{p.function.newLocal(name, hiddenLocals)},
	}
	for p.accept(",") {
		name := p.name()
		statement.Locals = append(statement.Locals,
			p.function.newLocal(name, hiddenLocals+len(statement.Locals)))
	}
	p.expect("in")
	statement.Values = p.expressions()
	statement.Body = p.forBody(statement.Locals...)
	return statement
}

func (p *parser) forBody(locals ...*Local) *Block {
	p.function.active += hiddenLocals
	p.expect("do")
	p.function.open(false)
	defer p.function.close()
	p.function.declare(locals...)
	return p.block()
}

func (p *parser) functionStatement(pos Position, line int) Stmt {
	p.next()
	var target Expr = p.variable()
	for p.accept(".") {
		name := p.name()
		target = &Index{target, &String{name.Position, name.value}}
	}
	method := p.accept(":")
	if method {
		name := p.name()
		target = &Index{target, &String{name.Position, name.value}}
	}
	markAssigned(target)
	return &FunctionStmt{pos, target, p.functionBody(pos, line, method)}
}

func (p *parser) localFunction(pos Position) Stmt {
	name := p.name()
	local := p.function.newLocal(name, 0)
	p.function.declare(local)
	return &LocalFunctionStmt{pos, local, p.functionBody(pos, p.lexer.line, false)}
}

func (p *parser) localStatement(pos Position) Stmt {
	statement := &LocalStmt{Position: pos}
	for {
		name := p.name()
		statement.Locals = append(statement.Locals, p.function.newLocal(name, len(statement.Locals)))
		if !p.accept(",") {
			break
		}
	}
	if p.accept("=") {
		statement.Values = p.expressions()
	}
	p.function.declare(statement.Locals...)
	return statement
}

func (p *parser) returnStatement(pos Position) Stmt {
	p.next()
	statement := &ReturnStmt{Position: pos}
	if !p.atBlockEnd() && p.token.kind != ";" {
		statement.Values = p.expressions()
	}
	return statement
}

func (p *parser) gotoStatement(pos Position) Stmt {
	statement := &GotoStmt{pos, p.name().value}
	p.function.jump(*statement)
	return statement
}

// labels reads labels that follow each other: what counts is what follows all of them.
func (p *parser) labels() []Stmt {
	var list []Stmt
	for p.token.kind == "::" {
		if len(list) > 0 {
			p.enterLevel()
			defer p.leaveLevel()
		}
		list = append(list, p.label())
	}
	// A condition after until sees the variables of its block.
	atEnd := p.atBlockEnd() && p.token.kind != "until"
	for _, label := range slices.Backward(list) {
		p.function.label(label.(*LabelStmt).Name, atEnd)
	}
	return list
}

func (p *parser) label() Stmt {
	pos := p.token.Position
	p.next()
	name := p.name()
	labels := &p.function.scope.labels
	if slices.Contains(*labels, name.value) {
		fail(name.Position, "", "duplicate label '%s'", name.value)
	}
	*labels = append(*labels, name.value)
	p.expect("::")
	return &LabelStmt{pos, name.value}
}

// expressionStatement is a call or an assignment.
func (p *parser) expressionStatement() Stmt {
	expression := p.primary()
	if call, ok := expression.(*Call); ok {
		return &CallStmt{call}
	}
	statement := &AssignStmt{Targets: []Expr{p.target(expression)}}
	for p.accept(",") {
		statement.Targets = append(statement.Targets, p.primary())
		count := p.level + len(statement.Targets) - 1
		p.function.checkLimit(p.token.Position, count, maxLevels, "variable names")
		p.target(statement.Targets[len(statement.Targets)-1])
	}
	p.expect("=")
	statement.Values = p.expressions()
	return statement
}

// target checks that the expression can be assigned to.
func (p *parser) target(expression Expr) Expr {
	switch expression.(type) {
	case *Name, *Index:
		markAssigned(expression)
	default:
		p.fail("syntax error")
	}
	return expression
}

func markAssigned(target Expr) {
	if name, ok := target.(*Name); ok && name.Local != nil {
		name.Local.Assigned = true
	}
}
