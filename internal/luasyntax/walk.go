package luasyntax

// Walk calls visit for the node and, where that returns true, for what the node consists of, in the
// order of the source. A *Block is not visited itself.
func Walk(node Node, visit func(Node) bool) {
	if node == nil || !visit(node) {
		return
	}
	for _, child := range Children(node) {
		Walk(child, visit)
	}
}

// WalkBlock does so for all statements of a block.
func WalkBlock(block *Block, visit func(Node) bool) {
	for _, statement := range block.Stmts {
		Walk(statement, visit)
	}
}

// Children returns the expressions and statements that a node consists of.
func Children(node Node) []Node {
	var list children
	switch n := node.(type) {
	case *Index:
		list.add(n.Object, n.Key)
	case *Call:
		list.add(n.Function)
		list.add(n.Args...)
	case *Paren:
		list.add(n.Inner)
	case *Unary:
		list.add(n.Operand)
	case *Binary:
		list.add(n.Left, n.Right)
	case *Table:
		for _, field := range n.Fields {
			list.add(field.Key, field.Value)
		}
	case *Function:
		list.addBlock(n.Body)
	case *LocalStmt:
		list.add(n.Values...)
	case *LocalFunctionStmt:
		list.add(n.Function)
	case *FunctionStmt:
		list.add(n.Target, n.Function)
	case *AssignStmt:
		list.add(n.Targets...)
		list.add(n.Values...)
	case *CallStmt:
		list.add(n.Call)
	case *DoStmt:
		list.addBlock(n.Body)
	case *WhileStmt:
		list.add(n.Condition)
		list.addBlock(n.Body)
	case *RepeatStmt:
		list.addBlock(n.Body)
		list.add(n.Condition)
	case *IfStmt:
		for _, clause := range n.Clauses {
			list.add(clause.Condition)
			list.addBlock(clause.Body)
		}
		list.addBlock(n.Else)
	case *NumericForStmt:
		list.add(n.First, n.Last, n.Step)
		list.addBlock(n.Body)
	case *GenericForStmt:
		list.add(n.Values...)
		list.addBlock(n.Body)
	case *ReturnStmt:
		list.add(n.Values...)
	}
	return list
}

type children []Node

// add leaves out what is not there, such as the step of a loop.
func (c *children) add(expressions ...Expr) {
	for _, e := range expressions {
		if e != nil {
			*c = append(*c, e)
		}
	}
}

func (c *children) addBlock(block *Block) {
	if block != nil {
		for _, statement := range block.Stmts {
			*c = append(*c, statement)
		}
	}
}
