package manpage

import (
	"strings"

	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/lazyregexp"
)

// ScriptAPI is the page initscript-script(7), made of the reference page: its headings, paragraphs,
// lists, tables and fenced blocks. The heading of the page and the list of contents are left out.
func ScriptAPI(blocks []definitions.Block) string {
	p := newPage("initscript-script", 7, "Script API")
	p.line(".SH NAME\ninitscript\\-script \\- what an init script can call")
	p.line(".SH DESCRIPTION")
	lines := strings.Split(definitions.Markdown(blocks), "\n")
	for i := 0; i < len(lines); {
		i += p.block(lines[i:])
	}
	p.line(".SH SEE ALSO\n.BR initscript (1),\n.BR syscalls (2),\n.BR capabilities (7),\n.BR landlock (7),\n.BR namespaces (7)")
	return p.text.String()
}

// block converts what begins with the first line, and returns how many lines that are.
func (p *page) block(lines []string) int {
	line := lines[0]
	switch {
	case line == "" || strings.HasPrefix(line, "<!--") || strings.HasPrefix(line, "# "):
		return 1
	case line == "## Contents":
		return 1 + count(lines[1:], func(line string) bool { return !strings.HasPrefix(line, "#") })
	case strings.HasPrefix(line, "## "):
		p.line(".SH %s", escape(strings.ToUpper(line[3:])))
		return 1
	case strings.HasPrefix(line, "### "):
		p.line(".SS %s", escape(line[4:]))
		return 1
	case strings.HasPrefix(line, "```"):
		n := count(lines[1:], func(line string) bool { return line != "```" })
		p.example(lines[1 : 1+n])
		return n + 2
	case strings.HasPrefix(line, "|"):
		n := count(lines, func(line string) bool { return strings.HasPrefix(line, "|") })
		p.table(lines[:n])
		return n
	case strings.HasPrefix(line, "* "):
		n := 1 + count(lines[1:], func(line string) bool { return strings.HasPrefix(line, "  ") })
		p.line(`.IP \(bu 3`)
		p.prose(joined(lines[:n])[2:])
		return n
	}
	n := 1 + count(lines[1:], func(line string) bool { return !endsParagraph(line) })
	p.paragraph()
	p.prose(joined(lines[:n]))
	return n
}

func endsParagraph(line string) bool {
	for _, start := range []string{"#", "```", "|", "* ", "<!--"} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return line == ""
}

// count is the number of lines before the first that is not so.
func count(lines []string, so func(string) bool) int {
	for i, line := range lines {
		if !so(line) {
			return i
		}
	}
	return len(lines)
}

func joined(lines []string) string {
	var words []string
	for _, line := range lines {
		words = append(words, strings.Fields(line)...)
	}
	return strings.Join(words, " ")
}

var cellSeparator = lazyregexp.New(`\s*\|\s*`)

// table has the first cell of each row as a tag. The third column, if there is one, is short.
func (p *page) table(rows []string) {
	for _, row := range rows[2:] {
		row = strings.ReplaceAll(strings.Trim(row, "| "), `\|`, "\x00")
		cells := cellSeparator().Split(row, 3)
		for i := range cells {
			cells[i] = strings.ReplaceAll(cells[i], "\x00", "|")
		}
		p.line(".TP")
		p.prose(cells[0])
		text := ""
		if len(cells) > 1 {
			text = cells[1]
		}
		if len(cells) > 2 && cells[2] != "" {
			text += " [" + cells[2] + "]"
		}
		p.prose(text)
	}
}
