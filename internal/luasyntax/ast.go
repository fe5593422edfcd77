package luasyntax

// Position is a place in the source. Lines and columns count from 1, columns in bytes.
type Position struct{ Line, Column int }

// Node is a part of the tree.
type Node interface {
	// Pos returns where the node begins.
	Pos() Position
}

// Expr is an expression.
type Expr interface {
	Node
	expr()
}

// Stmt is a statement.
type Stmt interface {
	Node
	stmt()
}

// Chunk is a whole source text.
type Chunk struct {
	Main     *Function // takes any number of arguments
	Comments []Comment
}

// Comment is a comment, without its delimiters.
type Comment struct {
	Position
	Text string
	// Alone says that nothing else precedes it on its line.
	Alone bool
}

// Block is a list of statements with a scope of its own.
type Block struct {
	Stmts []Stmt
}

// Local is a local variable or a parameter.
type Local struct {
	Position
	Name string
	// Function is where it is declared.
	Function *Function
	// Assigned says that it is assigned to after its declaration.
	Assigned bool
}

// Expressions.
type (
	Nil    struct{ Position }
	Vararg struct{ Position }
	Bool   struct {
		Position
		Value bool
	}
	// Number is a number, or with Kind other than Float an object of FFI.
	Number struct {
		Position
		Kind  NumberKind
		Value float64 // of a Float
		Text  string  // as it is written
	}
	String struct {
		Position
		Value string
	}
	// Name is a variable. Local is nil for a global one.
	Name struct {
		Position
		Name  string
		Local *Local
	}
	// Index is Object.Key, where Key is a String, or Object[Key].
	Index struct {
		Object, Key Expr
	}
	// Call is Function(Args), or Function:Method(Args).
	Call struct {
		Function Expr
		Method   *String
		Args     []Expr
		Paren    Position // of what begins the arguments
	}
	// Paren is an expression in parentheses, which has one value.
	Paren struct {
		Position
		Inner Expr
	}
	Unary struct {
		Position
		Operator string
		Operand  Expr
	}
	Binary struct {
		Operator    string
		OperatorPos Position
		Left, Right Expr
	}
	Table struct {
		Position
		Fields []Field
	}
	Function struct {
		Position
		Params []*Local
		Vararg bool
		Body   *Block
	}
)

// Field is an element of a Table. Key is nil for an element of the list.
type Field struct {
	Key, Value Expr
}

// NumberKind tells which type of value a number literal makes.
type NumberKind int

const (
	Float     NumberKind = iota // an ordinary Lua number
	Int64                       // 1LL
	Uint64                      // 1ULL
	Imaginary                   // 1i
)

// Statements.
type (
	// LocalStmt declares variables. Values can be fewer or more.
	LocalStmt struct {
		Position
		Locals []*Local
		Values []Expr
	}
	LocalFunctionStmt struct {
		Position
		Local    *Local
		Function *Function
	}
	// FunctionStmt is function a.b.c() or function a.b:c(); Target is a Name or an Index.
	FunctionStmt struct {
		Position
		Target   Expr
		Function *Function
	}
	// AssignStmt assigns; each of Targets is a Name or an Index.
	AssignStmt struct {
		Targets, Values []Expr
	}
	CallStmt struct{ Call *Call }
	DoStmt   struct {
		Position
		Body *Block
	}
	WhileStmt struct {
		Position
		Condition Expr
		Body      *Block
	}
	// RepeatStmt is a loop whose Condition sees the variables of Body.
	RepeatStmt struct {
		Position
		Body      *Block
		Condition Expr
	}
	IfStmt struct {
		Position
		Clauses []IfClause
		Else    *Block // nil if there is none
	}
	NumericForStmt struct {
		Position
		Local             *Local
		First, Last, Step Expr // Step may be nil
		Body              *Block
	}
	GenericForStmt struct {
		Position
		Locals []*Local
		Values []Expr
		Body   *Block
	}
	ReturnStmt struct {
		Position
		Values []Expr
	}
	BreakStmt struct{ Position }
	GotoStmt  struct {
		Position
		Label string
	}
	LabelStmt struct {
		Position
		Name string
	}
)

// IfClause is an if or elseif with its block.
type IfClause struct {
	Condition Expr
	Body      *Block
}

// Pos returns the position itself.
func (p Position) Pos() Position { return p }

func (e *Index) Pos() Position      { return e.Object.Pos() }
func (e *Call) Pos() Position       { return e.Function.Pos() }
func (e *Binary) Pos() Position     { return e.Left.Pos() }
func (s *AssignStmt) Pos() Position { return s.Targets[0].Pos() }
func (s *CallStmt) Pos() Position   { return s.Call.Pos() }

func (*Nil) expr()      {}
func (*Vararg) expr()   {}
func (*Bool) expr()     {}
func (*Number) expr()   {}
func (*String) expr()   {}
func (*Name) expr()     {}
func (*Index) expr()    {}
func (*Call) expr()     {}
func (*Paren) expr()    {}
func (*Unary) expr()    {}
func (*Binary) expr()   {}
func (*Table) expr()    {}
func (*Function) expr() {}

func (*LocalStmt) stmt()         {}
func (*LocalFunctionStmt) stmt() {}
func (*FunctionStmt) stmt()      {}
func (*AssignStmt) stmt()        {}
func (*CallStmt) stmt()          {}
func (*DoStmt) stmt()            {}
func (*WhileStmt) stmt()         {}
func (*RepeatStmt) stmt()        {}
func (*IfStmt) stmt()            {}
func (*NumericForStmt) stmt()    {}
func (*GenericForStmt) stmt()    {}
func (*ReturnStmt) stmt()        {}
func (*BreakStmt) stmt()         {}
func (*GotoStmt) stmt()          {}
func (*LabelStmt) stmt()         {}
