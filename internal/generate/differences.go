package generate

import (
	"fmt"
	"strings"

	"github.com/go-initscript/initscript/internal/definitions"
)

const (
	extensionsBegin = "<!-- generated: extensions -->\n"
	extensionsEnd   = "<!-- end -->\n"
)

// differences returns the page about Emilua with the functions that are in no Emilua.
func differences(page string, blocks []definitions.Block) (string, error) {
	before, rest, ok := strings.Cut(page, extensionsBegin)
	_, after, hasEnd := strings.Cut(rest, extensionsEnd)
	if !ok || !hasEnd {
		return "", fmt.Errorf("no line %q, or no line %q after it", extensionsBegin, extensionsEnd)
	}
	var words []string
	for _, block := range blocks {
		origin, _, _ := strings.Cut(block.Origin(), ",")
		if block.Kind == definitions.Function && origin == "extension" {
			words = append(words, "`"+strings.TrimPrefix(block.Name, "C.")+"`,")
		}
	}
	words = append(words, "and", "their", "constants.")
	return before + extensionsBegin + wrap("* ", words) + extensionsEnd + after, nil
}

// wrap makes lines of up to 105 columns, indented below the first.
func wrap(start string, words []string) string {
	var text strings.Builder
	line := start
	for i, word := range words {
		if i > 0 && len(line)+1+len(word) > 105 {
			text.WriteString(line + "\n")
			line = strings.Repeat(" ", len(start)) + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	return text.String() + line + "\n"
}
