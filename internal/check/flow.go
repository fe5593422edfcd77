package check

import (
	"slices"
	"strings"
	"sync"

	"github.com/go-initscript/initscript/internal/lazyregexp"
	"github.com/go-initscript/initscript/internal/luasyntax"
)

// maxCalls ends the following of functions that call each other.
const maxCalls = 8

// follower goes through the script in the order in which it runs.
type follower struct {
	*script
	state    *state
	calling  []*luasyntax.Function
	loopEnds []*state // where break leads, for each loop around
	returns  []*state // what is known at the ends of the functions around
	budget   int
	// mayHaveEnded says that a condition may have ended the script before.
	mayHaveEnded bool
}

// maxSteps ends the following of functions that call others many times.
const maxSteps = 200_000

func (s *script) follow() {
	f := &follower{script: s, state: newState(), budget: maxSteps}
	f.returns = []*state{{dead: true}}
	f.block(s.chunk.Main.Body)
	f.state.join(f.returns[0])
	f.checkRoot()
}

func (f *follower) block(block *luasyntax.Block) {
	for _, statement := range block.Stmts {
		if _, isLabel := statement.(*luasyntax.LabelStmt); isLabel {
			f.state = unknownState() // a goto comes from somewhere
		}
		if f.state.dead {
			continue
		}
		if f.budget--; f.budget < 0 {
			f.state = &state{dead: true}
			return
		}
		f.statement(statement)
	}
}

func (f *follower) statement(statement luasyntax.Stmt) {
	switch n := statement.(type) {
	case *luasyntax.LocalStmt:
		f.expressions(n.Values)
		f.keepDescriptors(n.Locals, n.Values)
	case *luasyntax.AssignStmt:
		f.expressions(n.Targets)
		f.expressions(n.Values)
		f.assigned(n)
	case *luasyntax.CallStmt:
		f.expression(n.Call)
		f.keepDescriptors(nil, []luasyntax.Expr{n.Call})
	case *luasyntax.DoStmt:
		f.block(n.Body)
	case *luasyntax.IfStmt:
		f.ifStatement(n)
	case *luasyntax.WhileStmt:
		f.loop(n.Body, func() {
			f.expression(n.Condition)
			f.state.certain = false
			f.block(n.Body)
		})
	case *luasyntax.RepeatStmt:
		f.loop(n.Body, func() {
			f.block(n.Body)
			if !f.state.dead {
				f.expression(n.Condition)
			}
		})
	case *luasyntax.NumericForStmt:
		f.expressions([]luasyntax.Expr{n.First, n.Last})
		if n.Step != nil {
			f.expression(n.Step)
		}
		f.loop(n.Body, func() { f.block(n.Body) })
	case *luasyntax.GenericForStmt:
		f.expressions(n.Values)
		f.loop(n.Body, func() {
			if !f.isLibraryIterator(n.Values) {
				f.havoc(f.effects)
			}
			f.block(n.Body)
		})
	case *luasyntax.ReturnStmt:
		f.expressions(n.Values)
		f.leave(f.returns[len(f.returns)-1])
	case *luasyntax.BreakStmt:
		f.leave(f.loopEnds[len(f.loopEnds)-1])
	case *luasyntax.GotoStmt:
		f.state = &state{dead: true}
	}
}

// checkExit reports an end of the script that looks like a success to whoever has started it.
func (f *follower) checkExit(call *luasyntax.Call) {
	e, _ := argument(call, 0)
	status, isNumber := 0.0, true
	if e != nil {
		status, isNumber = f.number(e)
		literal, isBool := f.constantValue(e).(*luasyntax.Bool)
		isNumber = isNumber || isBool && literal.Value || f.typeOf(e) == "nil"
	}
	if isNumber && status == 0 && (e != nil || len(call.Args) == 0) {
		f.add(call.Pos(), Warning, nameExit,
			"this ends the process with status 0: the program is not run, and nobody is told")
	}
}

// havoc applies what unknown code may have done.
func (f *follower) havoc(e effects) {
	f.state.havoc(e)
	f.mayHaveEnded = f.mayHaveEnded || e.exit
}

// end is a call after which nothing of the script runs.
func (f *follower) end() {
	f.mayHaveEnded = f.mayHaveEnded || !f.state.certain
	f.state = &state{dead: true}
}

// leave ends what is followed, and joins it to what is known where the script goes on.
func (f *follower) leave(target *state) {
	target.join(f.state)
	f.state = &state{dead: true}
}

// assigned follows errexit.
func (f *follower) assigned(n *luasyntax.AssignStmt) {
	for i, target := range n.Targets {
		if f.meaning(target) != "errexit" {
			continue
		}
		f.state.errexit = maybe
		if value := valueAt(n.Values, i); value != nil {
			switch literal := f.constantValue(value).(type) {
			case *luasyntax.Nil:
				f.state.errexit = no
			case *luasyntax.Bool:
				f.state.errexit = no
				if literal.Value {
					f.state.errexit = yes
				}
			}
		}
	}
}

func (f *follower) ifStatement(n *luasyntax.IfStmt) {
	certain := f.state.certain
	after := &state{dead: true}
	left := false // a branch ends what is around
	for _, clause := range n.Clauses {
		f.expression(clause.Condition)
		f.state.certain = false
		next := f.state.clone()
		left = f.branch(clause.Body, after) || left
		f.state = next
	}
	if n.Else != nil {
		left = f.branch(n.Else, after) || left
	} else {
		after.join(f.state)
	}
	after.certain = certain && !left
	f.state = after
}

// branch reports whether the script may go on somewhere else than after it.
func (f *follower) branch(block *luasyntax.Block, after *state) bool {
	f.block(block)
	after.join(f.state)
	return f.leaves(block)
}

// leaves reports whether there may be a way out of a block other than its end and errors. Functions in
// it have their own.
func (f *follower) leaves(block *luasyntax.Block) bool {
	found := false
	luasyntax.WalkBlock(block, func(node luasyntax.Node) bool {
		switch n := node.(type) {
		case *luasyntax.ReturnStmt, *luasyntax.BreakStmt, *luasyntax.GotoStmt:
			found = true
		case *luasyntax.Call:
			// An error is the opposite of asking. Other functions may end the script.
			meaning := f.meaning(n.Function)
			harmless := n.Method != nil || meaning == "error" || pure()[meaning] ||
				pure()[library(meaning)] ||
				f.api.functions[meaning] != nil
			found = found || !harmless ||
				slices.Contains([]string{"os.exit", "C.execve", "C.fexecve"}, meaning)
		case *luasyntax.Function:
			return false
		}
		return true
	})
	return found
}

// loop goes through it until nothing changes, without and then with reports.
func (f *follower) loop(block *luasyntax.Block, body func()) {
	certain := f.state.certain
	end := &state{dead: true}
	f.loopEnds = append(f.loopEnds, end)
	f.silent++
	entry := f.state.clone()
	for range 3 {
		f.state = entry.clone()
		body()
		entry.join(f.state)
		entry.certain = certain
	}
	f.silent--
	f.state = entry.clone()
	body()
	f.state.join(entry)
	f.state.join(end)
	f.state.certain = certain && !f.leaves(block)
	f.loopEnds = f.loopEnds[:len(f.loopEnds)-1]
}

func (f *follower) expressions(list []luasyntax.Expr) {
	for _, e := range list {
		f.expression(e)
	}
}

// expression goes through the calls in an expression.
func (f *follower) expression(e luasyntax.Expr) {
	if f.state.dead {
		return
	}
	switch n := e.(type) {
	case *luasyntax.Function:
		return // until it is called
	case *luasyntax.Binary:
		f.expression(n.Left)
		if n.Operator != "and" && n.Operator != "or" {
			f.expression(n.Right)
			return
		}
		before := f.state.clone()
		f.state.certain = false
		f.expression(n.Right)
		certain := before.certain && !f.state.dead
		f.state.join(before)
		f.state.certain = certain
	case *luasyntax.Index:
		f.expression(n.Object)
		f.expression(n.Key)
		f.checkSystem(n)
	case *luasyntax.Call:
		f.expression(n.Function)
		f.expressions(n.Args)
		if !f.state.dead {
			f.call(n)
		}
	default:
		for _, child := range luasyntax.Children(n) {
			f.expression(child.(luasyntax.Expr))
		}
	}
}

// callers are functions of Lua that call the functions which they get.
var callers = []string{"string.gsub", "table.sort", "table.foreach", "table.foreachi", "debug.sethook"}

// isLibraryCall reports whether a function of that name calls nothing of the script, but for callers.
func isLibraryCall(meaning string) bool {
	in := library(meaning)
	return pure()[meaning] || pure()[in] && in != "coroutine" || in == "ffi"
}

// isLibraryIterator recognizes ipairs(t), io.lines(path), text:gmatch(pattern) and the like.
func (f *follower) isLibraryIterator(values []luasyntax.Expr) bool {
	call, ok := values[0].(*luasyntax.Call)
	if !ok {
		return false
	}
	if call.Method != nil {
		return !f.fields[call.Method.Value]
	}
	return isLibraryCall(f.meaning(call.Function))
}

// pure returns the libraries and functions of Lua that call nothing of the script, but for callers.
var pure = sync.OnceValue(func() map[string]bool {
	pure := map[string]bool{}
	for _, name := range luaGlobals() {
		pure[name] = true
	}
	for _, name := range []string{
		"dofile", "load", "loadfile", "loadstring", "require", "pcall", "xpcall", "_G", "setmetatable",
	} {
		delete(pure, name)
	}
	return pure
})

func (f *follower) call(call *luasyntax.Call) {
	meaning := f.meaning(call.Function)
	switch {
	case call.Method != nil:
		if f.fields[call.Method.Value] || call.Method.Value == "gsub" && f.passesFunction(call) {
			f.havoc(f.effects)
		}
	case f.api.functions[meaning] != nil:
		f.apiCall(call, f.api.functions[meaning])
	case meaning == "error":
		f.state = &state{dead: true}
	case meaning == "os.exit":
		f.checkExit(call)
		f.end()
	case f.functionValue(call.Function) != nil:
		f.inline(f.functionValue(call.Function))
	case f.foreignEffects(call) != (effects{}):
		f.havoc(f.foreignEffects(call))
		f.havoc(f.effects)
	case isLibraryCall(meaning):
		if slices.Contains(callers, meaning) && f.passesFunction(call) {
			f.havoc(f.effects)
		}
	default:
		f.havoc(f.effects)
	}
}

// library returns the part before the first dot.
func library(meaning string) string {
	before, _, found := strings.Cut(meaning, ".")
	if !found {
		return ""
	}
	return before
}

// endsProcess matches functions of the C library after which a script may not go on.
var endsProcess = lazyregexp.New(`exit|abort|exec|kill|raise|syscall`)

// foreignEffects are those of a call to code that is not in the script.
func (s *script) foreignEffects(call *luasyntax.Call) effects {
	meaning := s.meaning(call.Function)
	switch {
	case s.loadsCode(call):
		return anything
	case strings.HasPrefix(meaning, "ffi.C."):
		e := ofSystem
		e.exit = endsProcess().MatchString(meaning)
		return e
	case meaning == "ffi.load":
		return ofSystem
	case meaning == "" && call.Method == nil && s.usesFFI && s.functionValue(call.Function) == nil:
		return ofSystem // it may be what ffi.load or ffi.cast returned
	}
	return effects{}
}

// loadsCode reports whether a call brings code into the script.
func (s *script) loadsCode(call *luasyntax.Call) bool {
	switch s.meaning(call.Function) {
	case "dofile", "load", "loadfile", "loadstring":
		return true
	case "require":
		return s.required(call) == ""
	}
	return false
}

// passesFunction reports whether an argument may be a function.
func (s *script) passesFunction(call *luasyntax.Call) bool {
	return slices.ContainsFunc(call.Args, func(e luasyntax.Expr) bool {
		switch s.typeOf(e) {
		case "function":
			return true
		case "":
			_, isBinary := s.constantValue(e).(*luasyntax.Binary)
			return !isBinary
		}
		return false
	})
}

// inline goes through a function of the script.
func (f *follower) inline(function *luasyntax.Function) {
	if len(f.calling) == maxCalls || slices.Contains(f.calling, function) {
		f.havoc(f.effects)
		return
	}
	certain := f.state.certain
	f.calling = append(f.calling, function)
	f.returns = append(f.returns, &state{dead: true})
	loopEnds := f.loopEnds
	f.loopEnds = nil
	f.block(function.Body)
	f.loopEnds = loopEnds
	f.state.join(f.returns[len(f.returns)-1])
	f.state.certain = certain
	f.returns = f.returns[:len(f.returns)-1]
	f.calling = f.calling[:len(f.calling)-1]
}
