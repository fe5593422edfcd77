package generate

import (
	"strings"

	"github.com/go-initscript/initscript/internal/definitions"
)

// liveMode returns the page about live mode with the names of each class in its table: a row begins with
// the class in bold type.
func liveMode(page string, blocks []definitions.Block) (string, error) {
	names := map[string][]string{}
	for _, block := range blocks {
		if block.Live.Class != "" {
			name := "`" + strings.TrimPrefix(block.Name, "C.") + "`"
			names[block.Live.Class] = append(names[block.Live.Class], name)
		}
	}
	lines := strings.Split(page, "\n")
	for i, line := range lines {
		for class, list := range names {
			if strings.HasPrefix(line, "| **"+class+"**") {
				row := strings.Split(line, "|")
				lines[i] = "|" + row[1] + "| " + strings.Join(list, ", ") + " |"
			}
		}
	}
	return strings.Join(lines, "\n"), nil
}
