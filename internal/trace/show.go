//go:build (linux || freebsd) && cgo

package trace

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// tracedCall is a call while its event is made.
type tracedCall struct {
	row     tracedFunction
	fds     map[int]string // what the script's descriptors are, as far as its calls tell
	args    []any
	results []any // without errno
}

// arg returns argument i, from 0; nil if it is not there.
func (c *tracedCall) arg(i int) any {
	if i < len(c.args) {
		return c.args[i]
	}
	return nil
}

func (c *tracedCall) result(i int) any {
	if i < len(c.results) {
		return c.results[i]
	}
	return nil
}

// A shower makes a text of one argument or result. A value that it is not made for is shown as Lua
// would write it.
type shower func(c *tracedCall, v any) string

// showAll shows each value with its shower, as far as there is one.
func (c *tracedCall) showAll(showers []shower, values []any) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		show := showValue
		if i < len(showers) {
			show = showers[i]
		}
		texts[i] = show(c, v)
	}
	return texts
}

// integer returns v as the C side reads it, without the fraction.
func integer(v any) (int64, bool) {
	number, ok := v.(float64)
	return int64(number), ok && number >= math.MinInt64 && number < math.MaxInt64
}

// showInteger makes a shower of what shows an integer.
func showInteger(text func(int64) string) shower {
	return func(c *tracedCall, v any) string {
		if number, ok := integer(v); ok {
			return text(number)
		}
		return showValue(c, v)
	}
}

func (f *family) show(c *tracedCall, v any) string { return showInteger(f.text)(c, v) }

// shownData is how many bytes of a string are shown that is no path.
const shownData = 64

func showValue(c *tracedCall, v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'g', 14, 64)
	case luaString:
		return quote(v, shownData)
	case luaTable:
		return c.showTable(v, nil)
	case luaOther:
		return "(" + string(v) + ")"
	default:
		return "..."
	}
}

func quote(s luaString, limit int) string {
	shown := s.bytes[:min(len(s.bytes), limit)]
	if len(shown) < s.length {
		return strconv.QuoteToASCII(shown) + "..."
	}
	return strconv.QuoteToASCII(shown)
}

// showPath shows a string to its end.
func showPath(c *tracedCall, v any) string {
	if s, ok := v.(luaString); ok {
		return quote(s, len(s.bytes))
	}
	return showValue(c, v)
}

// showTable shows the list first, then the fields by their names.
func (c *tracedCall) showTable(table luaTable, fields map[string]shower) string {
	entries := slices.Clone(table)
	isCut := func(e luaEntry) bool { _, cut := e.key.(luaCut); return cut }
	slices.SortStableFunc(entries, func(a, b luaEntry) int {
		rank := func(e luaEntry) (int, float64, string) {
			switch key := e.key.(type) {
			case float64:
				return 0, key, ""
			case luaString:
				return 1, 0, key.bytes
			}
			return 2, 0, ""
		}
		kindA, numberA, nameA := rank(a)
		kindB, numberB, nameB := rank(b)
		return cmp.Or(cmp.Compare(kindA, kindB), cmp.Compare(numberA, numberB),
			cmp.Compare(nameA, nameB))
	})
	texts := make([]string, len(entries))
	for i, e := range entries {
		name, hasName := e.key.(luaString)
		switch {
		case isCut(e):
			texts[i] = "..."
		case e.key == any(float64(i+1)):
			texts[i] = showValue(c, e.value)
		case hasName && fields[name.bytes] != nil:
			texts[i] = name.bytes + " = " + fields[name.bytes](c, e.value)
		case hasName && isIdentifier(name.bytes):
			texts[i] = name.bytes + " = " + showValue(c, e.value)
		default:
			texts[i] = "[" + showValue(c, e.key) + "] = " + showValue(c, e.value)
		}
	}
	return "{" + strings.Join(texts, ", ") + "}"
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// showFields shows a table whose fields have showers of their own.
func showFields(fields map[string]shower) shower {
	return func(c *tracedCall, v any) string {
		if table, ok := v.(luaTable); ok {
			return c.showTable(table, fields)
		}
		return showValue(c, v)
	}
}

// showEnvironment leaves the values out, which are often secret.
func showEnvironment(c *tracedCall, v any) string {
	table, ok := v.(luaTable)
	if !ok {
		return showValue(c, v)
	}
	names := map[string]bool{}
	for _, e := range table {
		if name, ok := e.key.(luaString); ok {
			names[name.bytes] = true
		}
	}
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		texts = append(texts, strconv.QuoteToASCII(name+"=...")) // as in envp
	}
	return "{" + strings.Join(texts, ", ") + "}"
}

func showFD(c *tracedCall, v any) string {
	return showInteger(func(fd int64) string {
		if name, ok := c.fds[int(fd)]; ok {
			return fmt.Sprintf("%d<%s>", fd, name)
		}
		return strconv.FormatInt(fd, 10)
	})(c, v)
}

func showDirectory(c *tracedCall, v any) string {
	if fd, ok := integer(v); ok && fd < 0 {
		return directories.text(fd)
	}
	return showFD(c, v)
}

func octal(number int64) string { return fmt.Sprintf("%#o", uint32(number)) }

func showMode(c *tracedCall, v any) string { return showInteger(octal)(c, v) }

func showNodeMode(c *tracedCall, v any) string {
	return showInteger(func(mode int64) string {
		kind := mode & unix.S_IFMT
		if kind == 0 {
			return octal(mode)
		}
		name := fileTypes.text(kind)
		if name == flagNumber(uint64(kind)) {
			name = octal(kind)
		}
		return name + "|" + octal(mode&^unix.S_IFMT)
	})(c, v)
}

func showDevice(c *tracedCall, v any) string {
	return showInteger(func(device int64) string {
		return fmt.Sprintf("makedev(%d, %d)", unix.Major(uint64(device)), unix.Minor(uint64(device)))
	})(c, v)
}

func showAccess(c *tracedCall, v any) string {
	if mode, ok := integer(v); ok && mode == 0 {
		return "F_OK"
	}
	return accessModes.show(c, v)
}

// openFlagsOnly is for flags beside which no access mode is chosen.
func openFlagsOnly(c *tracedCall, v any) string {
	return showInteger(func(flags int64) string {
		text := openFlags.text(flags)
		if flags != 0 {
			text = strings.TrimPrefix(text, "O_RDONLY|")
		} else {
			text = "0"
		}
		return text
	})(c, v)
}

// showProtocol has names for those of the internet domains only: numbers mean something else in
// others.
func showProtocol(c *tracedCall, v any) string {
	domain, _ := integer(c.arg(0))
	if number, ok := integer(v); ok && number != 0 &&
		(domain == unix.AF_INET || domain == unix.AF_INET6) {
		return protocols.text(number)
	}
	return showValue(c, v)
}

// fcntlCommand returns the name of the command of a call of fcntl.
func fcntlCommand(c *tracedCall) string { return fcntlCommands.show(c, c.arg(1)) }

func showFcntlArgument(c *tracedCall, v any) string {
	switch fcntlCommand(c) {
	case "F_SETFD":
		return descriptorFlags.show(c, v)
	case "F_SETFL":
		return openFlags.show(c, v)
	case "F_ADD_SEALS":
		return seals.show(c, v)
	}
	return showValue(c, v)
}

func showFcntlResult(c *tracedCall, v any) string {
	switch fcntlCommand(c) {
	case "F_DUPFD", "F_DUPFD_CLOEXEC":
		return showFD(c, v)
	case "F_GETFD":
		return descriptorFlags.show(c, v)
	case "F_GETFL":
		return openFlags.show(c, v)
	case "F_GET_SEALS":
		return seals.show(c, v)
	}
	return showValue(c, v)
}

// sizeofFilter is the size of a struct sock_filter.
const sizeofFilter = 8

func showFilter(c *tracedCall, v any) string {
	if filter, ok := v.(luaString); ok && filter.length%sizeofFilter == 0 {
		return fmt.Sprintf("(%d instructions)", filter.length/sizeofFilter)
	}
	return showValue(c, v)
}

// hasFlag reports whether a list has a flag of that name.
func hasFlag(v any, name string) bool {
	table, _ := v.(luaTable)
	return slices.ContainsFunc(table, func(e luaEntry) bool {
		s, ok := e.value.(luaString)
		return ok && s.bytes == name
	})
}

func makesListener(c *tracedCall) bool { return hasFlag(c.arg(1), "new_listener") }

func showListener(c *tracedCall, v any) string {
	if makesListener(c) {
		return showFD(c, v)
	}
	return showValue(c, v)
}

// makesRuleset tells a ruleset from the answer to a question.
func makesRuleset(c *tracedCall) bool {
	return !hasFlag(c.arg(1), "version") && !hasFlag(c.arg(1), "errata")
}

func showRuleset(c *tracedCall, v any) string {
	if makesRuleset(c) {
		return showFD(c, v)
	}
	return showValue(c, v)
}

// What new descriptors are.

func named(names ...string) func(*tracedCall) []string {
	return func(*tracedCall) []string { return names }
}

// text returns argument i without quotation marks, made harmless.
func (c *tracedCall) text(i int) string {
	return strings.Trim(showPath(c, c.arg(i)), `"`)
}

func (c *tracedCall) name(i int) string {
	fd, _ := integer(c.arg(i))
	return c.fds[int(fd)]
}

// pathOf is for what opens the path in argument i, which is relative to the descriptor before it.
func pathOf(i int) func(*tracedCall) []string {
	return func(c *tracedCall) []string { return []string{c.pathAt(i)} }
}

func (c *tracedCall) pathAt(i int) string {
	name := c.text(i)
	if i > 0 && !path.IsAbs(name) {
		if directory := c.name(i - 1); path.IsAbs(directory) {
			return path.Join(directory, name)
		}
	}
	return name
}

func prefixed(prefix string, i int) func(*tracedCall) []string {
	return func(c *tracedCall) []string { return []string{prefix + c.pathAt(i)} }
}

func sameAs(i int) func(*tracedCall) []string {
	return func(c *tracedCall) []string { return []string{c.name(i)} }
}

func mountOf(c *tracedCall) []string {
	return []string{"mount of " + c.name(0)}
}

func socketOf(c *tracedCall) []string {
	return []string{"socket " + socketDomains.show(c, c.arg(0))}
}

func duplicatedByFcntl(c *tracedCall) []string {
	if command := fcntlCommand(c); command == "F_DUPFD" || command == "F_DUPFD_CLOEXEC" {
		return []string{c.name(0)}
	}
	return nil
}

func listenerOf(c *tracedCall) []string {
	if makesListener(c) {
		return []string{"seccomp listener"}
	}
	return nil
}

func rulesetOf(c *tracedCall) []string {
	if makesRuleset(c) {
		return []string{"landlock ruleset"}
	}
	return nil
}

// receivedFD: the second result is a descriptor, if one came.
func receivedFD(c *tracedCall) []string { return []string{"", "received"} }

// opened notes what the results are descriptors of; "" is not known.
func (c *tracedCall) opened(names []string) {
	for i, name := range names {
		fd, ok := integer(c.result(i))
		switch {
		case !ok || fd < 0:
		case name == "":
			delete(c.fds, int(fd))
		default:
			c.fds[int(fd)] = name
		}
	}
}

func closed(c *tracedCall) {
	if fd, ok := integer(c.arg(0)); ok {
		delete(c.fds, int(fd))
	}
}

func closedFrom(c *tracedCall) {
	low, ok := integer(c.arg(0))
	maps.DeleteFunc(c.fds, func(fd int, _ string) bool { return ok && int64(fd) >= low })
}

func bound(c *tracedCall) {
	fd, ok := integer(c.arg(0))
	if name := c.name(0); ok && name != "" {
		c.fds[int(fd)] = name + " " + c.text(1)
	}
}
