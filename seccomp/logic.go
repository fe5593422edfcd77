package seccomp

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// opposite holds where the comparison does not.
func (o Op) opposite() Op {
	switch o {
	case Equal:
		return NotEqual
	case NotEqual:
		return Equal
	case Less:
		return GreaterOrEqual
	case LessOrEqual:
		return Greater
	case Greater:
		return LessOrEqual
	case GreaterOrEqual:
		return Less
	}
	return "" // of an unknown one
}

// known reports whether there is such a comparison.
func (o Op) known() bool { return o.opposite() != "" }

func (a Condition) opposite() Condition {
	a.Op = a.Op.opposite()
	return a
}

// span is what conditions with the same mask leave of the masked argument.
type span struct {
	mask, low, high uint64
	excluded        []uint64
}

// contradict reports whether no system call meets all the conditions. Where it is true that is certain;
// where it is false there may be such a call or not.
func contradict(args []Condition) bool {
	for index := range 6 {
		var spans []*span
		for _, arg := range args {
			if arg.Arg == index && !narrow(&spans, arg) {
				return true
			}
		}
		if disagree(spans) {
			return true
		}
	}
	return false
}

// narrow takes a condition into account, and returns false if nothing is left.
func narrow(spans *[]*span, arg Condition) bool {
	i := slices.IndexFunc(*spans, func(s *span) bool { return s.mask == arg.mask() })
	if i < 0 {
		i = len(*spans)
		*spans = append(*spans, &span{mask: arg.mask(), high: arg.mask()})
	}
	s, value := (*spans)[i], arg.Value
	switch arg.Op {
	case Equal:
		s.low, s.high = max(s.low, value), min(s.high, value)
	case NotEqual:
		s.excluded = append(s.excluded, value)
	case LessOrEqual:
		s.high = min(s.high, value)
	case GreaterOrEqual:
		s.low = max(s.low, value)
	case Less:
		if value == 0 {
			return false
		}
		s.high = min(s.high, value-1)
	case Greater:
		if value >= s.mask {
			return false
		}
		s.low = max(s.low, value+1)
	}
	for s.low < s.high && slices.Contains(s.excluded, s.low) {
		s.low++
	}
	for s.low < s.high && slices.Contains(s.excluded, s.high) {
		s.high--
	}
	return s.low < s.high || s.low == s.high && !slices.Contains(s.excluded, s.low)
}

// disagree reports whether the spans, each of which some argument is in, have none in common.
func disagree(spans []*span) bool {
	var fixed, value uint64 // bits that a span has in all of its numbers
	for _, s := range spans {
		common := s.mask &^ (1<<bits.Len64(s.low^s.high) - 1)
		if (s.low^value)&common&fixed != 0 {
			return true
		}
		fixed, value = fixed|common, value|s.low&common
	}
	for _, s := range spans {
		certain := s.mask&^fixed == 0
		masked := value & s.mask
		if certain && (masked < s.low || masked > s.high || slices.Contains(s.excluded, masked)) {
			return true
		}
		for _, of := range spans { // what has fewer bits is not greater
			if s.mask&^of.mask == 0 && s.low > of.high {
				return true
			}
		}
	}
	return false
}

// maxCoverSteps ends the search in policies that nobody writes.
const maxCoverSteps = 200

// covered reports whether each system call that meets args meets one of the lists before, too. What the
// first list leaves are several parts: what meets its conditions up to one, and not that one. Where it
// is true that is certain.
func covered(args []Condition, before [][]Condition, steps *int) bool {
	if *steps--; *steps < 0 {
		return false
	}
	if contradict(args) {
		return true
	}
	if len(before) == 0 {
		return false
	}
	part := slices.Clone(args)
	for _, arg := range before[0] {
		if !covered(append(slices.Clone(part), arg.opposite()), before[1:], steps) {
			return false
		}
		part = append(part, arg)
	}
	return true
}

// decision is a call that a rule has decided about.
type decision struct {
	ruledCall
	line int
}

type decisions map[string][]decision // by the system call

// hidden reports whether decisions before leave nothing of the call, whether one of them is another
// action, and the line of the first that has to do with it.
func (d decisions) hidden(call ruledCall) (hidden, differs bool, line int) {
	var before [][]Condition
	for _, earlier := range d[call.name] {
		if contradict(slices.Concat(earlier.args, call.args)) {
			continue
		}
		if line == 0 {
			line = earlier.line
		}
		before = append(before, earlier.args)
		differs = differs || earlier.action != call.action
	}
	steps := maxCoverSteps
	return len(before) > 0 && covered(call.args, before, &steps), differs, line
}

// checkLogic finds what cannot be meant in a text: conditions that never or always hold, and rules that
// never decide.
func (p *Policy) checkLogic() error {
	decisions := make(decisions)
	for i := range p.Rules {
		rule := &p.Rules[i]
		if err := rule.checkConditions(); err != nil {
			return err
		}
		if err := decisions.check(rule); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rule) checkConditions() error {
	for _, arg := range r.Args {
		switch {
		case contradict([]Condition{arg}):
			return &Error{Line: arg.line, Err: errors.New("the condition is never true")}
		case contradict([]Condition{arg.opposite()}):
			return &Error{Line: arg.line, Err: errors.New("the condition is always true")}
		}
	}
	if contradict(r.Args) {
		return &Error{Line: r.line, Err: errors.New("the conditions are never true together")}
	}
	return nil
}

// check finds names that earlier rules leave nothing of. An exception that is made before a group is
// meant, and what is said twice does no harm, unless that is all that a rule says.
func (d decisions) check(r *Rule) error {
	var all []ruledCall
	var conflict error
	nothing, first := true, 0
	for i, name := range r.Names {
		calls, err := r.calls(i)
		if err != nil {
			return err
		}
		for _, call := range calls {
			hidden, differs, line := d.hidden(call)
			nothing = nothing && hidden
			if first == 0 {
				first = line
			}
			if hidden && differs && !isGroup(name) && conflict == nil {
				conflict = r.nameError(i, hiddenBy(line))
			}
		}
		all = append(all, calls...)
	}
	if conflict == nil && nothing {
		conflict = &Error{Line: r.line, Err: hiddenBy(first)}
	}
	for _, call := range all {
		d[call.name] = append(d[call.name], decision{call, r.line})
	}
	return conflict
}

func hiddenBy(line int) error {
	return fmt.Errorf("this never decides: the rule in line %d, or one after it, does before", line)
}
