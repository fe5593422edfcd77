package luasyntax

import "slices"

// Limits of LuaJIT.
const (
	maxLevels   = 200
	maxLocals   = 200
	maxUpvalues = 60
	// hiddenLocals are the control variables of a for loop.
	hiddenLocals = 3
)

// function describes a function while it is parsed.
type function struct {
	parent   *function
	node     *Function
	line     int // 0 for the main function
	scope    *scope
	active   int // local variables in scope, hidden ones too
	upvalues []*Local
}

// scope is a block, or what a loop declares.
type scope struct {
	parent *scope
	loop   bool
	base   int // active at its beginning
	locals []scopedLocal
	labels []string
	gotos  []pendingGoto
}

type scopedLocal struct {
	*Local
	slot int
}

// pendingGoto is a goto whose label has not been seen in the scopes that it has left, or a break, whose
// Label is "".
type pendingGoto struct {
	GotoStmt
	active int // which of the variables in scope at the goto are still so
}

func (f *function) jump(statement GotoStmt) {
	f.scope.gotos = append(f.scope.gotos, pendingGoto{statement, f.active})
}

func (f *function) open(loop bool) {
	f.scope = &scope{parent: f.scope, loop: loop, base: f.active}
}

// close ends a scope and passes on to the outer one what is not resolved.
func (f *function) close() {
	s := f.scope
	f.scope, f.active = s.parent, s.base
	for _, g := range s.gotos {
		switch {
		case slices.Contains(s.labels, g.Label), g.Label == "" && s.loop:
		case s.parent == nil && g.Label == "":
			fail(g.Position, "", "no loop to break")
		case s.parent == nil:
			fail(g.Position, "", "undefined label '%s'", g.Label)
		default:
			s.parent.gotos = append(s.parent.gotos, pendingGoto{g.GotoStmt, s.base})
		}
	}
}

// checkLimit reports a function that has more of something than LuaJIT can have.
func (f *function) checkLimit(pos Position, count, limit int, what string) {
	switch {
	case count < limit:
	case f.line == 0:
		fail(pos, "", "main function has more than %d %s", limit, what)
	default:
		fail(pos, "", "function at line %d has more than %d %s", f.line, limit, what)
	}
}

// newLocal makes a variable that declare brings into scope. pending more are waiting for that.
func (f *function) newLocal(name token, pending int) *Local {
	f.checkLimit(name.Position, f.active+pending, maxLocals, "local variables")
	return &Local{Position: name.Position, Name: name.value, Function: f.node}
}

func (f *function) declare(locals ...*Local) {
	for _, local := range locals {
		f.scope.locals = append(f.scope.locals, scopedLocal{local, f.active})
		f.active++
	}
}

// find returns the variable that a name stands for in this function or one around it.
func (f *function) find(name token) *Local {
	for s := f.scope; s != nil; s = s.parent {
		for _, local := range slices.Backward(s.locals) {
			if local.Name == name.value {
				return local.Local
			}
		}
	}
	if f.parent == nil {
		return nil
	}
	local := f.parent.find(name)
	if local != nil && !slices.Contains(f.upvalues, local) {
		f.checkLimit(name.Position, len(f.upvalues), maxUpvalues, "upvalues")
		f.upvalues = append(f.upvalues, local)
	}
	return local
}

// localAt returns the variable in a slot.
func (f *function) localAt(slot int) *Local {
	for s := f.scope; s != nil; s = s.parent {
		for _, local := range s.locals {
			if local.slot == slot {
				return local.Local
			}
		}
	}
	return nil
}

// label resolves the gotos that wait for it. A label at the end of a block is outside of the scope of
// its variables.
func (f *function) label(name string, atEnd bool) {
	active := f.active
	if atEnd {
		active = f.scope.base
	}
	f.scope.gotos = slices.DeleteFunc(f.scope.gotos, func(g pendingGoto) bool {
		if g.Label == name && g.active < active {
			fail(g.Position, "", "<goto %s> jumps into the scope of local '%s'", name,
				f.localAt(g.active).Name)
		}
		return g.Label == name
	})
}
