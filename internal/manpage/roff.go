// Package manpage makes manual pages: of the Markdown that this repository uses, and of commands.
// What it writes is in the language of man(7).
package manpage

import (
	"fmt"
	"strings"

	"github.com/go-initscript/initscript/internal/lazyregexp"
)

// A page is the text of a manual page in the making.
type page struct{ text strings.Builder }

// newPage begins a page. It has no date: it is made anew with the sources, which have none.
func newPage(name string, section int, title string) *page {
	p := &page{}
	p.line(`.\" Made by go generate; see CONTRIBUTING.md.`)
	p.line(`.TH %s %d "" "initscript" "%s"`, strings.ToUpper(name), section, title)
	return p
}

func (p *page) line(format string, values ...any) {
	fmt.Fprintf(&p.text, format+"\n", values...)
}

// prose is a paragraph, or the rest of one that a macro has begun.
func (p *page) prose(text string) { p.line("%s", inline(text)) }

// paragraph separates paragraphs, but nothing follows a heading directly.
func (p *page) paragraph() {
	lines := strings.Split(strings.TrimSuffix(p.text.String(), "\n"), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, ".SH ") && !strings.HasPrefix(last, ".SS ") {
		p.line(".PP")
	}
}

// example is text in which lines stay as they are.
func (p *page) example(lines []string) {
	p.paragraph()
	p.line(".RS 4\n.EX")
	for _, line := range lines {
		p.line("%s", guard(escape(line)))
	}
	p.line(".EE\n.RE")
}

// escape makes text of what roff would interpret. A plain hyphen would be typeset as another
// character, which nobody could search for or copy.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "'", `\(aq`).Replace(text)
}

// guard keeps a line from being taken for a macro.
func guard(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, `\(aq`) {
		return `\&` + line
	}
	return line
}

var (
	link    = lazyregexp.New(`\[([^]]+)\]\(([^)]+)\)`)
	marked  = lazyregexp.New("`[^`]+`|\\*\\*[^*]+\\*\\*|\\*[^* ][^*]*\\*")
	webLink = lazyregexp.New(`^https?://`)
)

// inline converts the inside of a paragraph of Markdown.
func inline(text string) string {
	text = link().ReplaceAllStringFunc(text, func(s string) string {
		match := link().FindStringSubmatch(s)
		if webLink().MatchString(match[2]) {
			return match[1] + " (" + match[2] + ")"
		}
		return match[1]
	})
	var out strings.Builder
	rest := text
	for {
		at := marked().FindStringIndex(rest)
		if at == nil {
			break
		}
		out.WriteString(escape(rest[:at[0]]))
		switch span := rest[at[0]:at[1]]; {
		case span[0] == '`':
			out.WriteString(`\fB` + escape(strings.Trim(span, "`")) + `\fR`)
		case strings.HasPrefix(span, "**"):
			// There may be code in it.
			out.WriteString(`\fB` + escape(strings.NewReplacer("**", "", "`", "").Replace(span)) + `\fR`)
		default:
			out.WriteString(`\fI` + escape(strings.Trim(span, "*")) + `\fR`)
		}
		rest = rest[at[1]:]
	}
	out.WriteString(escape(rest))
	return guard(out.String())
}
