// Package definitions reads the LuaLS definitions of the script API, as far as this repository
// uses their syntax, and makes the reference page from them.
package definitions

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-initscript/initscript/internal/lazyregexp"
)

// Kind tells what a Block describes.
type Kind int

const (
	Prose    Kind = iota // text of the page, with its headings
	Function             // of the table C, or a global
	Variable             // a global
	Class                // fields of a table
	Alias                // texts that a list may have, or another name of a type
)

// Block is a paragraph of the file: prose, or what one name means.
type Block struct {
	Kind      Kind
	Name      string
	Text      []string // lines of Markdown
	Type      string   // of a Variable, or what an Alias stands for
	Params    []Value
	Returns   []Value
	Overloads []Overload
	Fields    []Value
	Values    []Value // of an Alias
	Numbers   Numbers // of an Alias of integer
	Live      Live    // of a Function or Variable
}

// Value is a parameter, a result, a field or a text that a list may have.
type Value struct {
	Name     string
	Type     string // integer, where Alias names one of integer
	Alias    string // without the prefix, "" if the type is written out
	Text     string
	Optional bool
}

// Overload is another way to call a function.
type Overload struct {
	Params  []Value
	Returns string
}

// Live tells what a name does in live mode: its class, and a script that shows it.
type Live struct{ Class, Trial string }

// LiveClasses are the classes in the order of docs/guide/live-mode.md.
var LiveClasses = []string{"reads", "descriptors", "process", "every thread", "refused"}

var (
	functionLine = lazyregexp.New(`^function ([\w.]+)\(([\w, ]*)\) end$`)
	variableLine = lazyregexp.New(`^(\w+) = \S+$`)
	aliasLine    = lazyregexp.New(`^\| ("\w+") # (.+)$`)
	label        = lazyregexp.New(`^\*\*([A-Z]\w+):\*\* ?(.*)$`)
	originSuffix = lazyregexp.New(`^(.*) \[([^]]+)\]$`)
)

// Parse reads definitions. An error begins with the number of the line.
func Parse(file string) ([]Block, error) {
	var blocks []Block
	lines := strings.Split(strings.TrimSuffix(file, "\n"), "\n")
	if lines[0] != "---@meta" {
		return nil, errors.New("1: ---@meta expected")
	}
	for i := 1; i < len(lines); i++ {
		if lines[i] == "" {
			continue
		}
		var block Block
		for ; i < len(lines) && lines[i] != ""; i++ {
			if err := block.add(lines[i]); err != nil {
				return nil, fmt.Errorf("%d: %w", i+1, err)
			}
		}
		if err := block.check(); err != nil {
			return nil, fmt.Errorf("%d: %w", i, err)
		}
		blocks = append(blocks, block)
	}
	resolveAliases(blocks)
	return blocks, nil
}

func (b *Block) add(line string) error {
	if b.Kind == Function || b.Kind == Variable {
		return errors.New("empty line expected")
	}
	if tag, ok := strings.CutPrefix(line, "---@"); ok {
		return b.addTag(tag)
	}
	if text, ok := strings.CutPrefix(line, "---"); ok {
		return b.addText(text)
	}
	if text, ok := strings.CutPrefix(line, "--"); ok {
		b.Text = append(b.Text, strings.TrimPrefix(text, " "))
		return nil
	}
	return b.addStatement(line)
}

func (b *Block) addText(text string) error {
	if b.Kind == Alias {
		match := aliasLine().FindStringSubmatch(text)
		if match == nil {
			return fmt.Errorf("%q is not understood", text)
		}
		b.Values = append(b.Values, Value{Name: match[1], Text: match[2]})
		return nil
	}
	if b.Kind != Prose || len(b.Params)+len(b.Returns)+len(b.Overloads) > 0 || b.Type != "" {
		return errors.New("text after tags")
	}
	b.Text = append(b.Text, text)
	return nil
}

func (b *Block) addTag(tag string) error {
	name, rest, _ := strings.Cut(tag, " ")
	switch name {
	case "param":
		b.Params = append(b.Params, namedValue(rest))
	case "return":
		value := Value{}
		value.Type, rest = cutType(rest)
		value.Name, value.Text, _ = strings.Cut(rest, " ")
		b.Returns = append(b.Returns, value)
	case "overload":
		b.Overloads = append(b.Overloads, parseOverload(rest))
	case "field":
		b.Fields = append(b.Fields, namedValue(rest))
	case "type":
		b.Type = rest
	case "class":
		b.Kind, b.Name = Class, rest
	case "alias":
		return b.addAlias(rest)
	case "live":
		return b.addLive(rest)
	default:
		return fmt.Errorf("unknown tag %s", name)
	}
	return nil
}

// addLive reads "CLASS: SCRIPT". A script of several lines has a tag on each.
func (b *Block) addLive(rest string) error {
	class, script, ok := strings.Cut(rest, ": ")
	if !ok || !slices.Contains(LiveClasses, class) || b.Live.Class != "" && b.Live.Class != class {
		return fmt.Errorf("%q is no class of live mode with a script", rest)
	}
	b.Live = Live{class, strings.TrimPrefix(b.Live.Trial+"\n"+script, "\n")}
	return nil
}

func (b *Block) addStatement(line string) error {
	if match := variableLine().FindStringSubmatch(line); match != nil {
		if b.Kind == Class {
			b.Type = b.Name
		}
		b.Kind, b.Name = Variable, match[1]
		return nil
	}
	match := functionLine().FindStringSubmatch(line)
	if match == nil {
		return fmt.Errorf("%q is not understood", line)
	}
	var params []string
	for _, param := range b.Params {
		params = append(params, param.Name)
	}
	if strings.Join(params, ", ") != match[2] {
		return fmt.Errorf("%s: the parameters are (%s), documented are (%s)", match[1], match[2],
			strings.Join(params, ", "))
	}
	b.Kind, b.Name = Function, match[1]
	return nil
}

func (b *Block) check() error {
	tags := len(b.Params) + len(b.Returns) + len(b.Overloads) + len(b.Fields)
	if b.Kind == Prose && (tags > 0 || b.Live.Class != "") {
		return errors.New("tags of nothing")
	}
	return nil
}

// parseOverload reads "fun(NAME: TYPE, NAME?: TYPE): RESULTS".
func parseOverload(s string) Overload {
	params, returns, _ := strings.Cut(strings.TrimPrefix(s, "fun("), "): ")
	overload := Overload{Returns: returns}
	for _, param := range SplitType(params, ',') {
		var value Value
		value.Name, value.Type, _ = strings.Cut(strings.TrimSpace(param), ": ")
		value.Name, value.Optional = strings.CutSuffix(value.Name, "?")
		if value.Name != "" {
			overload.Params = append(overload.Params, value)
		}
	}
	return overload
}

// SplitType splits at a separator that is not in brackets.
func SplitType(s string, separator rune) []string {
	var parts []string
	depth, start := 0, 0
	for i, r := range s {
		switch {
		case strings.ContainsRune("<({[", r):
			depth++
		case strings.ContainsRune(">)}]", r):
			depth--
		case r == separator && depth == 0:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// namedValue reads "NAME TYPE TEXT".
func namedValue(s string) Value {
	var value Value
	value.Name, s, _ = strings.Cut(s, " ")
	value.Name, value.Optional = strings.CutSuffix(value.Name, "?")
	value.Type, value.Text = cutType(s)
	return value
}

// cutType splits after the type, which may have spaces in brackets only.
func cutType(s string) (before, after string) {
	depth := 0
	for i, r := range s {
		switch {
		case strings.ContainsRune("<({", r):
			depth++
		case strings.ContainsRune(">)}", r):
			depth--
		case r == ' ' && depth == 0:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// Labels returns the names of the labelled paragraphs, such as Errors, in their order.
func (b *Block) Labels() []string {
	var labels []string
	for _, line := range b.Text {
		if match := label().FindStringSubmatch(line); match != nil {
			labels = append(labels, match[1])
		}
	}
	return labels
}

// Origin returns which version of Emilua has the name, and whether one system only.
func (b *Block) Origin() string {
	for _, line := range b.Text {
		if match := label().FindStringSubmatch(line); match != nil && match[1] == "Origin" {
			origin, _, _ := strings.Cut(match[2], ";")
			return origin
		}
	}
	return ""
}

// System returns the one system that has a name of that origin, as runtime.GOOS calls it, or "" if all
// do.
func System(origin string) string {
	switch {
	case strings.HasSuffix(origin, ", Linux only"):
		return "linux"
	case strings.HasSuffix(origin, ", FreeBSD only"):
		return "freebsd"
	default:
		return ""
	}
}

// Origin returns which version of Emilua has a constant, and whether one system only; and the text
// without that.
func (v *Value) Origin() (origin, text string) {
	if match := originSuffix().FindStringSubmatch(v.Text); match != nil {
		return match[2], match[1]
	}
	return "", v.Text
}

// Examples returns the pieces of Lua in the text.
func (b *Block) Examples() []string {
	var examples []string
	rest := b.Text
	for {
		start := slices.Index(rest, "```lua")
		if start == -1 {
			return examples
		}
		rest = rest[start+1:]
		end := slices.Index(rest, "```")
		if end == -1 {
			end = len(rest)
		}
		examples = append(examples, strings.Join(rest[:end], "\n"))
		rest = rest[end:]
	}
}

// IsConstants reports whether the block is a list of constants of the table C.
func (b *Block) IsConstants() bool { return b.Kind == Class && b.Name == "initscript.C" }
