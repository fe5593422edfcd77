package manpage

import (
	"regexp"
	"strings"

	"github.com/go-initscript/initscript/internal/definitions"
)

const (
	scriptBegin = "# NAME\n\ninitscript-script - what an init script can call\n\n# DESCRIPTION\n\n"
	scriptEnd   = "\n# SEE ALSO\n\n" +
		"**initscript**(1), **syscalls**(2), **capabilities**(7), **landlock**(7), **namespaces**(7)\n"
)

// ScriptAPI is the page initscript-script(7), made of the reference page. The heading of the page and
// the list of contents are left out, and a table becomes a list of what is in its first column.
func ScriptAPI(blocks []definitions.Block) string {
	var text strings.Builder
	text.WriteString(scriptBegin)
	inContents, inCode, last := false, false, ""
	for line := range strings.Lines(tableHead.ReplaceAllString(definitions.Markdown(blocks), "")) {
		isFence := strings.HasPrefix(line, "```")
		inCode = inCode != isFence
		if !inCode && strings.HasPrefix(line, "#") {
			inContents = line == "## Contents\n"
		}
		switch {
		case inContents || strings.HasPrefix(line, "<!--") || strings.HasPrefix(line, "# ") && !inCode:
		case inCode || isFence:
			text.WriteString(line)
		case strings.HasPrefix(line, "## "):
			text.WriteString(strings.ToUpper(line))
		case strings.HasPrefix(line, "|"):
			text.WriteString(definition(line))
		case strings.HasPrefix(line, "* ") &&
			!strings.HasPrefix(last, "* ") && !strings.HasPrefix(last, "  "):
			text.WriteString("\n" + withoutLinks(line)) // md2man wants an empty line before a list
		default:
			text.WriteString(withoutLinks(line))
		}
		last = line
	}
	return render("initscript-script", 7, "Script API", text.String()+scriptEnd)
}

var (
	tableHead     = regexp.MustCompile(`(?m)^\|.*\n\|---.*\n`)
	cellSeparator = regexp.MustCompile(`\s*\|\s*`)
	link          = regexp.MustCompile(`\[((?:[^][]|\[\])+)\]\(([^)]+)\)`) // [] is in names of types
)

// definition makes an item of a list of a row of a table. The third cell, if there is one, is short.
func definition(row string) string {
	row = strings.ReplaceAll(strings.Trim(row, "| \n"), `\|`, "\x00")
	cells := append(cellSeparator.Split(row, 3), "", "")
	if cells[2] != "" {
		cells[2] = " [" + cells[2] + "]"
	}
	item := cells[0] + "\n: " + strings.TrimSpace(cells[1]+cells[2]) + "\n\n"
	return strings.ReplaceAll(item, "\x00", "|")
}

// withoutLinks leaves the texts of links, and the addresses of other sites.
func withoutLinks(line string) string {
	return link.ReplaceAllStringFunc(line, func(s string) string {
		match := link.FindStringSubmatch(s)
		if strings.Contains(match[2], "://") {
			return match[1] + " (" + match[2] + ")"
		}
		return match[1]
	})
}
