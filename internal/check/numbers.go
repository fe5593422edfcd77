package check

import (
	"math"
	"strconv"
	"strings"

	"github.com/go-initscript/initscript/internal/luasyntax"
)

// checkRange reports a number that does not get to the kernel as it is written.
func (s *script) checkRange(e luasyntax.Expr, at place) {
	if s.isOctal(e) {
		return // which is reported
	}
	value, ok := s.number(e)
	if !ok || at.numbers == nil {
		return
	}
	low, high := float64(at.numbers.Min), float64(at.numbers.Max)
	if value == math.Floor(value) && value >= low && value <= high {
		return
	}
	s.add(e.Pos(), Error, nameArgumentValue,
		"%s is %s, not an integer from %s to %s", at.what, formatNumber(value),
		formatNumber(low), formatNumber(high))
}

// formatNumber writes a number as Lua does, but for large integers.
func formatNumber(value float64) string {
	switch {
	case math.IsNaN(value):
		return "NaN"
	case math.IsInf(value, 0):
		return strings.TrimPrefix(strconv.FormatFloat(value, 'f', -1, 64), "+")
	case math.Abs(value) < 1e17:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return strconv.FormatFloat(value, 'g', -1, 64)
}

type foundNumber struct {
	value float64
	ok    bool
}

// number returns the number that an expression certainly is.
func (s *script) number(e luasyntax.Expr) (value float64, ok bool) {
	known, found := s.numbers[e]
	if !found {
		known.value, known.ok = s.findNumber(e)
		s.numbers[e] = known
	}
	return known.value, known.ok
}

func (s *script) findNumber(e luasyntax.Expr) (value float64, ok bool) {
	constant := s.constantValue(e)
	switch n := constant.(type) {
	case *luasyntax.Number:
		return n.Value, n.Kind == luasyntax.Float
	case *luasyntax.Unary:
		value, ok = s.number(n.Operand)
		return -value, ok && n.Operator == "-"
	case *luasyntax.Binary:
		if n.Operator == ".." {
			break
		}
		left, leftOK := s.number(n.Left)
		right, rightOK := s.number(n.Right)
		if leftOK && rightOK {
			return calculate(n.Operator, left, right)
		}
		return 0, false
	case *luasyntax.Call:
		return s.callNumber(n)
	case *luasyntax.Index:
		switch s.meaning(n) {
		case "math.huge":
			return math.Inf(1), true
		case "math.pi":
			return math.Pi, true
		}
		return 0, false
	}
	if text, isText := s.text(constant); isText {
		return textNumber(text)
	}
	return 0, false
}

func calculate(operator string, left, right float64) (value float64, ok bool) {
	switch operator {
	case "+":
		return left + right, true
	case "-":
		return left - right, true
	case "*":
		return left * right, true
	case "/":
		return left / right, true
	case "%":
		return left - math.Floor(left/right)*right, true
	case "^":
		return math.Pow(left, right), true
	}
	return 0, false
}

// callNumber knows functions whose results follow from their arguments.
func (s *script) callNumber(call *luasyntax.Call) (value float64, ok bool) {
	var arguments []float64
	for i, e := range call.Args {
		argument, ok := s.number(e)
		if !ok || call.Method != nil || i == len(call.Args)-1 && isOpen(e) && !isCall(e) {
			return 0, false
		}
		arguments = append(arguments, argument)
	}
	meaning := s.meaning(call.Function)
	switch {
	case meaning == "mode" && len(arguments) == 3:
		value := uint32(int64(arguments[0]))<<6 | uint32(int64(arguments[1]))<<3 |
			uint32(int64(arguments[2]))
		return float64(value), isSmall(arguments)
	case meaning == "tonumber" && len(arguments) == 2 && isSmall(arguments):
		text, isText := s.text(call.Args[0])
		parsed, err := strconv.ParseInt(strings.TrimSpace(text), int(arguments[1]), 64)
		return float64(parsed), isText && err == nil
	case strings.HasPrefix(meaning, "bit.") && len(arguments) > 0 && isSmall(arguments):
		return combine(meaning, arguments)
	}
	return 0, false
}

// isSmall reports whether the conversion of numbers to 32 bits is nothing but a choice of bits.
func isSmall(numbers []float64) bool {
	for _, n := range numbers {
		if n != math.Floor(n) || math.Abs(n) > 1<<51 {
			return false
		}
	}
	return true
}

// combine computes the functions of the library bit that scripts use for flags.
func combine(function string, arguments []float64) (value float64, ok bool) {
	bits := int32(int64(arguments[0]))
	for _, argument := range arguments[1:] {
		other := int32(int64(argument))
		switch function {
		case "bit.bor":
			bits |= other
		case "bit.band":
			bits &= other
		case "bit.bxor":
			bits ^= other
		case "bit.lshift":
			bits <<= other & 31
		default:
			return 0, false
		}
	}
	if function == "bit.bnot" && len(arguments) == 1 {
		return float64(^bits), true
	}
	return float64(bits), function != "bit.bnot" && (len(arguments) > 1 || function == "bit.bor" ||
		function == "bit.tobit")
}

// textNumber converts a string as Lua does.
func textNumber(text string) (value float64, ok bool) {
	text = strings.TrimSpace(text)
	unsigned := strings.TrimLeft(text, "+-")
	if len(text)-len(unsigned) > 1 {
		return 0, false
	}
	kind := luasyntax.Float
	switch strings.ToLower(unsigned) {
	case "inf", "infinity":
		value, ok = math.Inf(1), true
	case "nan":
		value, ok = math.NaN(), true
	default:
		kind, value, ok = luasyntax.ParseNumber(unsigned)
	}
	if text != unsigned && text[0] == '-' {
		value = -value
	}
	return value, ok && kind == luasyntax.Float
}
