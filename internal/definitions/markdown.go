package definitions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-initscript/initscript/internal/lazyregexp"
)

const notice = "<!-- Made from lua/initscript.d.lua by go generate; change that. -->\n\n"

// Markdown returns the reference page.
func Markdown(blocks []Block) string {
	blocks = slices.DeleteFunc(slices.Clone(blocks), func(b Block) bool { return b.IsType() })
	var page strings.Builder
	page.WriteString(notice)
	// The introduction is everything before the first family.
	for i, block := range blocks {
		if i == 1 {
			page.WriteString(contents(blocks[1:]))
		}
		switch {
		case block.Kind == Prose:
			page.WriteString(strings.Join(block.Text, "\n") + "\n\n")
		case block.IsConstants():
			page.WriteString(constants(block.Fields))
		default:
			page.WriteString(entry(&block))
		}
	}
	return strings.TrimSuffix(page.String(), "\n")
}

// contents has a line for each family.
func contents(blocks []Block) string {
	var list strings.Builder
	list.WriteString("## Contents\n")
	separator := ""
	for _, block := range blocks {
		switch {
		case block.Kind == Prose && strings.HasPrefix(block.Text[0], "## "):
			fmt.Fprintf(&list, "\n* %s", link(strings.TrimPrefix(block.Text[0], "## ")))
			separator = ": "
		case block.Kind == Function || block.Kind == Variable:
			fmt.Fprintf(&list, "%s%s", separator, link(block.Name))
			separator = ", "
		}
	}
	return list.String() + "\n\n"
}

var notInAnchors = lazyregexp.New(`[^\w -]`)

// link is to a heading of the page.
func link(heading string) string {
	return fmt.Sprintf("[%s](#%s)", heading, anchor(heading))
}

func anchor(heading string) string {
	return strings.ReplaceAll(strings.ToLower(notInAnchors().ReplaceAllString(heading, "")), " ", "-")
}

func constants(fields []Value) string {
	var table strings.Builder
	table.WriteString("| Constant | Meaning | Origin |\n|---|---|---|\n")
	for _, field := range fields {
		origin, text := field.Origin()
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", field.Name,
			strings.ReplaceAll(text, "|", `\|`), origin)
	}
	return table.String() + "\n"
}

// entry has the effect after the signature; arguments and results come before the labelled
// paragraphs.
func entry(b *Block) string {
	effect, labelled := b.Text, []string(nil)
	if i := slices.IndexFunc(b.Text, label().MatchString); i != -1 {
		effect, labelled = b.Text[:i], b.Text[i:]
	}
	var text strings.Builder
	fmt.Fprintf(&text, "### %s\n\n", b.Name)
	text.WriteString(signatures(b))
	if len(effect) > 0 {
		text.WriteString(strings.TrimSpace(strings.Join(effect, "\n")) + "\n\n")
	}
	text.WriteString(values("Arguments", b.Params))
	text.WriteString(values("Results", b.Returns))
	text.WriteString(values("Fields", b.Fields))
	text.WriteString(values("Values", b.Values))
	if len(labelled) > 0 {
		text.WriteString(strings.Join(labelled, "\n") + "\n\n")
	}
	return text.String()
}

func signatures(b *Block) string {
	var lines []string
	switch b.Kind {
	case Function:
		line := b.Name + "(" + typed(b.Params) + ")"
		if len(b.Returns) > 0 {
			line += ": " + typed(b.Returns)
		}
		lines = append(lines, line)
		for _, overload := range b.Overloads {
			lines = append(lines, b.Name+"("+typed(overload.Params)+"): "+overload.Returns)
		}
	case Variable:
		lines = append(lines, b.Name+": "+b.Type)
	default:
		return ""
	}
	return "```text\n" + strings.Join(lines, "\n") + "\n```\n\n"
}

func typed(values []Value) string {
	var list []string
	for _, value := range values {
		list = append(list, value.Name+optional(value)+": "+value.Type)
	}
	return strings.Join(list, ", ")
}

func optional(value Value) string {
	if value.Optional {
		return "?"
	}
	return ""
}

var typeName = lazyregexp.New(`^initscript\.\w+`)

func values(title string, values []Value) string {
	if len(values) == 0 {
		return ""
	}
	var list strings.Builder
	fmt.Fprintf(&list, "**%s:**\n", title)
	for _, value := range values {
		fmt.Fprintf(&list, "* `%s`", value.Name)
		switch name := typeName().FindString(value.Type); {
		case name != "":
			fmt.Fprintf(&list, ", [`%s`](#%s)", value.Type, anchor(name))
		case value.Type != "":
			fmt.Fprintf(&list, ", `%s`", value.Type)
		}
		if value.Optional {
			list.WriteString(", optional")
		}
		if value.Text != "" {
			list.WriteString(": " + value.Text)
		}
		list.WriteString("\n")
	}
	return list.String() + "\n"
}
