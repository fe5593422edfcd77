// Package manpage makes manual pages of the help of commands and of the definitions of the script API.
// Both are put into Markdown, which github.com/cpuguy83/go-md2man turns into the language of man(7).
package manpage

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
)

// render returns the manual page of that name. It has no date: it is made anew with the sources, which
// have none.
func render(name string, section int, title, markdown string) string {
	titleBlock := fmt.Sprintf("%% %q %q \"\" \"initscript\" %q\n",
		strings.ToUpper(name), fmt.Sprint(section), title)
	lines := strings.SplitAfter(string(md2man.Render([]byte(titleBlock+markdown))), "\n")
	var page strings.Builder
	page.WriteString(".\\\" Made by go generate; see CONTRIBUTING.md.\n")
	last := ""
	for _, line := range lines {
		switch {
		case line == "\n": // man(7) has no use for empty lines
			continue
		// Nothing is between a heading and its text.
		case line == ".EX\n" && strings.HasPrefix(last, ".S"):
			page.WriteString(".RS 4\n.EX\n")
		case line == ".EX\n":
			page.WriteString(".PP\n.RS 4\n.EX\n")
		case line == ".EE\n":
			page.WriteString(".EE\n.RE\n")
		case strings.HasPrefix(line, "."):
			page.WriteString(line)
		default:
			page.WriteString(literal.ReplaceAllStringFunc(line, func(c string) string {
				return literals[c]
			}))
		}
		last = line
	}
	return page.String()
}

// A plain hyphen, for one, would be typeset as another character, which nobody could search for or copy.
// What md2man escapes stays as it is.
var (
	literal  = regexp.MustCompile("\\\\.|[-'`^~]")
	literals = map[string]string{
		"-": `\-`, "'": `\(aq`, "`": `\(ga`, "^": `\(ha`, "~": `\(ti`,
		`\-`: `\-`, `\\`: `\e`, `\&`: `\&`, `\f`: `\f`, `\(`: `\(`, `\[`: `\[`,
	}
)
