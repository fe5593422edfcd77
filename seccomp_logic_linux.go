//go:build (linux || freebsd) && cgo

package initscript

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// seccompOpposites hold where the comparison does not.
var seccompOpposites = map[SeccompOp]SeccompOp{
	SeccompEqual:          SeccompNotEqual,
	SeccompNotEqual:       SeccompEqual,
	SeccompLess:           SeccompGreaterOrEqual,
	SeccompGreaterOrEqual: SeccompLess,
	SeccompGreater:        SeccompLessOrEqual,
	SeccompLessOrEqual:    SeccompGreater,
}

func (a SeccompArg) opposite() SeccompArg {
	a.Op = seccompOpposites[a.Op]
	return a
}

// seccompSpan is what conditions with the same mask leave of the masked argument.
type seccompSpan struct {
	mask, low, high uint64
	excluded        []uint64
}

// contradict tells whether no system call meets all the conditions. Where it is true that is certain;
// where it is false there may be such a call or not.
func contradict(args []SeccompArg) bool {
	for index := range 6 {
		var spans []*seccompSpan
		for _, arg := range args {
			if arg.Index == index && !narrow(&spans, arg) {
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
func narrow(spans *[]*seccompSpan, arg SeccompArg) bool {
	i := slices.IndexFunc(*spans, func(s *seccompSpan) bool { return s.mask == arg.mask() })
	if i < 0 {
		i = len(*spans)
		*spans = append(*spans, &seccompSpan{mask: arg.mask(), high: arg.mask()})
	}
	s, value := (*spans)[i], arg.Value
	switch arg.Op {
	case SeccompEqual:
		s.low, s.high = max(s.low, value), min(s.high, value)
	case SeccompNotEqual:
		s.excluded = append(s.excluded, value)
	case SeccompLessOrEqual:
		s.high = min(s.high, value)
	case SeccompGreaterOrEqual:
		s.low = max(s.low, value)
	case SeccompLess:
		if value == 0 {
			return false
		}
		s.high = min(s.high, value-1)
	case SeccompGreater:
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

// disagree tells whether the spans, each of which some argument is in, have none in common.
func disagree(spans []*seccompSpan) bool {
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

// covered tells whether each system call that meets args meets one of the lists before, too. What the
// first list leaves are several parts: what meets its conditions up to one, and not that one. Where it
// is true that is certain.
func covered(args []SeccompArg, before [][]SeccompArg, steps *int) bool {
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

// seccompDecision is a call that a rule has decided about.
type seccompDecision struct {
	seccompCall
	line int
}

type seccompDecisions map[string][]seccompDecision // by the system call

// hidden tells whether decisions before leave nothing of the call, whether one of them is another
// action, and the line of the first that has to do with it.
func (d seccompDecisions) hidden(call seccompCall) (hidden, differs bool, line int) {
	var before [][]SeccompArg
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
func (p *SeccompPolicy) checkLogic() error {
	decisions := make(seccompDecisions)
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

func (r *SeccompRule) checkConditions() error {
	for _, arg := range r.Args {
		switch {
		case contradict([]SeccompArg{arg}):
			return &SeccompError{Line: arg.line, Err: errors.New("the condition is never true")}
		case contradict([]SeccompArg{arg.opposite()}):
			return &SeccompError{Line: arg.line, Err: errors.New("the condition is always true")}
		}
	}
	if contradict(r.Args) {
		return &SeccompError{Line: r.line, Err: errors.New("the conditions are never true together")}
	}
	return nil
}

// check finds names that earlier rules leave nothing of. An exception that is made before a group is
// meant, and what is said twice does no harm, unless that is all that a rule says.
func (d seccompDecisions) check(r *SeccompRule) error {
	var all []seccompCall
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
		conflict = &SeccompError{Line: r.line, Err: hiddenBy(first)}
	}
	for _, call := range all {
		d[call.name] = append(d[call.name], seccompDecision{call, r.line})
	}
	return conflict
}

func hiddenBy(line int) error {
	return fmt.Errorf("this never decides: the rule in line %d, or one after it, does before", line)
}
