package check

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-initscript/initscript/internal/capability"
	"github.com/go-initscript/initscript/internal/lazyregexp"
	"github.com/go-initscript/initscript/internal/luasyntax"
)

// longestText ends the joining of strings.
const longestText = 1 << 16

type foundText struct {
	text string
	ok   bool
}

// text returns the string that an expression certainly is.
func (s *script) text(e luasyntax.Expr) (text string, ok bool) {
	switch n := s.constantValue(e).(type) {
	case *luasyntax.String:
		return n.Value, true
	case *luasyntax.Binary:
		if n.Operator != ".." {
			return "", false
		}
		known, found := s.texts[n]
		if !found {
			left, leftOK := s.joined(n.Left)
			right, rightOK := s.joined(n.Right)
			if leftOK && rightOK && len(left)+len(right) <= longestText {
				known = foundText{left + right, true}
			}
			s.texts[n] = known
		}
		return known.text, known.ok
	}
	return "", false
}

// joined returns what an operand of .. becomes: numbers are written as integers only.
func (s *script) joined(e luasyntax.Expr) (text string, ok bool) {
	if text, ok = s.text(e); ok {
		return text, true
	}
	value, ok := s.number(e)
	if !ok || value != math.Floor(value) || math.Abs(value) > 1e14 {
		return "", false
	}
	return strconv.FormatFloat(value, 'f', -1, 64), true
}

// keepsNUL are parameters that are not strings of C.
var keepsNUL = []string{"C.write.buffer", "write_all.buffer", "send_with_fd.str", "bind_unix.path",
	"C.sethostname.name",
	"C.setdomainname.name", "C.seccomp_set_mode_filter.bpf_fprogram"}

// checkText reports a string that the function does not take, or reads in part only.
func (s *script) checkText(e luasyntax.Expr, at place) {
	function, name, what := at.function, at.name, at.what
	text, ok := s.text(e)
	if !ok {
		return
	}
	switch {
	case strings.ContainsRune(text, 0) && !slices.Contains(keepsNUL, function+"."+name):
		s.add(e.Pos(), Error, nameArgumentValue,
			"%s has a NUL byte, where it ends: it is %q", what, cutAtNUL(text))
	case function == "C.cap_drop_bound" || function == "C.cap_set_ambient":
		s.checkCapability(e, text, function)
	case function == "C.cap_set_proc":
		if mistake := capabilityMistake(text); mistake != "" {
			s.add(e.Pos(), Error, nameArgumentValue, "%s: %s", function, mistake)
		}
	case name == "bpf_fprogram":
		if mistake := filterMistake(text); mistake != "" {
			s.add(e.Pos(), Error, nameArgumentValue,
				"this is no compiled filter, as C.read returns it from a file: %s", mistake)
		}
	}
}

func cutAtNUL(text string) string {
	before, _, _ := strings.Cut(text, "\x00")
	return before
}

// isCapability reports whether libcap understands all of a name, or a number. Where the names are not
// known, any may be one.
func isCapability(name string) bool {
	name = strings.ToLower(name)
	number, err := strconv.ParseUint(name, 0, 8)
	known := capability.Names()
	return slices.Contains(known, name) || err == nil && number < 64 ||
		len(known) == 0 && capabilityName().MatchString(name)
}

var capabilityStart = lazyregexp.New(`^[A-Za-z0-9_]+`)

// checkCapability: libcap reads a name up to the first character that none has.
func (s *script) checkCapability(e luasyntax.Expr, text, function string) {
	start := capabilityStart().FindString(text)
	switch {
	case isCapability(text):
	case isCapability(start):
		s.add(e.Pos(), Error, nameArgumentValue,
			"%s takes one capability: of %q only %s is looked at", function, text, start)
	default:
		names := map[string]bool{}
		for _, name := range capability.Names() {
			names[name] = true
		}
		s.add(e.Pos(), Error, nameArgumentValue,
			"there is no capability %q%s", text, similar(strings.ToLower(text), names))
	}
}

var capabilityText = lazyregexp.New(`^([A-Za-z0-9_,]*)(=[eip]*|[+-][eip]+)([+-][eip]+)*$`)

// capabilityMistake tells why libcap does not understand a text, "" if it does.
func capabilityMistake(text string) string {
	for _, clause := range strings.Fields(text) {
		match := capabilityText().FindStringSubmatch(clause)
		if match == nil || match[1] == "" && match[2][0] != '=' {
			return fmt.Sprintf("%q is not understood, see cap_from_text(3)", clause)
		}
		for name := range strings.SplitSeq(match[1], ",") {
			if match[1] != "" && !strings.EqualFold(name, "all") && !isCapability(name) {
				return fmt.Sprintf("there is no capability %q", name)
			}
		}
	}
	return ""
}

// filterMistake tells why a text is no seccomp filter, "" if it may be one: the operation of an
// instruction has 16 bits, of which the kernel uses the lower half.
func filterMistake(text string) string {
	if len(text) == 0 || len(text)%8 != 0 {
		return fmt.Sprintf("it has %s, and instructions have 8 each", count(len(text), "byte"))
	}
	for instruction := range slices.Chunk([]byte(text), 8) {
		code := min(binary.LittleEndian.Uint16(instruction), binary.BigEndian.Uint16(instruction))
		if code > 0xff {
			return fmt.Sprintf("%q is no instruction", instruction)
		}
	}
	return ""
}
