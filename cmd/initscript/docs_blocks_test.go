package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// docBlock is what stands between two fences, with what the comment before it says.
type docBlock struct {
	line     int // of the first fence
	text     string
	file     string // the name under which the commands find the text
	commands []docCommand
	prompts  bool // the block shows what the commands print
	mark     string
}

type docCommand struct {
	line         int
	text, output string
}

const (
	markNotRun    = "not run"    // commands that cannot run in a test
	markRoot      = "root only"  // commands that print something else when others run them
	markOrdinary  = "user only"  // the same, when root runs them
	markDocker    = "in Docker"  // commands that docker/matrix runs, by means of this test
	fallbackName  = "script.lua" // what commands call the last script without a name
	continuedLine = "> "         // the second prompt of a shell
)

// withDocker tells whether there is an engine with the image that docs/guide/docker.md is about.
func withDocker() bool { return os.Getenv("INITSCRIPT_TEST_DOCKER") == "1" }

func (b *docBlock) runs() bool {
	switch b.mark {
	case markNotRun:
		return false
	case markRoot:
		return os.Geteuid() == 0
	case markOrdinary:
		return os.Geteuid() != 0
	case markDocker:
		return withDocker()
	}
	return true
}

var (
	markComment = regexp.MustCompile(`^<!-- (not run|root only|user only|in Docker): \S.* -->$`)
	likeAMark   = regexp.MustCompile(`^<!-- *(?i:not run|root only|user only|in Docker|run)`)
	namedFile   = regexp.MustCompile(`^(?:--|#) ([\w-]+\.(?:lua|ya?ml|sh))$`)
)

// readBlocks returns the blocks of a page that are commands, and those that are files for them.
func readBlocks(page string) ([]docBlock, error) {
	text, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	blocks, err := parseBlocks(string(text))
	if err != nil {
		err = fmt.Errorf("%s:%w", page, err)
	}
	return blocks, err
}

func parseBlocks(text string) ([]docBlock, error) {
	var blocks []docBlock
	mark := ""
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		// In a list, all lines of a block have an indent.
		line := strings.TrimLeft(lines[i], " ")
		indent := lines[i][:len(lines[i])-len(line)]
		language, isFence := strings.CutPrefix(line, "```")
		switch match := markComment.FindStringSubmatch(line); {
		case match != nil:
			mark = match[1]
			continue
		case likeAMark.MatchString(line):
			return nil, fmt.Errorf("%d: %q is not understood, or gives no reason", i+1, lines[i])
		case line == "":
			continue
		case !isFence:
			if mark != "" {
				return nil, fmt.Errorf("%d: a mark with no block after it", i+1)
			}
			continue
		}
		block := docBlock{line: i + 1, mark: mark}
		mark = ""
		var content []string
		for i++; i < len(lines) && lines[i] != indent+"```"; i++ {
			content = append(content, strings.TrimPrefix(lines[i], indent))
		}
		block.text = strings.Join(content, "\n") + "\n"
		if err := block.read(language, content); err != nil {
			return nil, err
		}
		if block.file != "" || len(block.commands) > 0 {
			blocks = append(blocks, block)
		}
	}
	return blocks, nil
}

// read finds the commands, or the name of the file.
func (b *docBlock) read(language string, content []string) error {
	switch language {
	case "console", "sh":
		return b.readCommands(language, content)
	case "lua", "yaml":
		if len(content) > 0 {
			if match := namedFile.FindStringSubmatch(content[0]); match != nil {
				b.file = match[1]
				return nil
			}
		}
		if language == "lua" {
			b.file = fallbackName
		}
	}
	return nil
}

func (b *docBlock) readCommands(language string, content []string) error {
	b.prompts = len(content) > 0 && strings.HasPrefix(content[0], "$ ")
	if language == "console" && !b.prompts {
		return fmt.Errorf("%d: no prompt after ```console", b.line)
	}
	if !b.prompts {
		b.commands = []docCommand{{b.line, "set -e\n" + b.text + "set +e", ""}}
		return nil
	}
	var last *docCommand
	for i, line := range content {
		command, isCommand := strings.CutPrefix(line, "$ ")
		more, isMore := strings.CutPrefix(line, continuedLine)
		switch {
		case isCommand:
			b.commands = append(b.commands, docCommand{b.line + 1 + i, command, ""})
			last = &b.commands[len(b.commands)-1]
		case last.output == "" && strings.HasSuffix(last.text, `\`):
			last.text += "\n" + line
		case last.output == "" && isMore:
			last.text += "\n" + more
		default:
			last.output += line + "\n"
		}
	}
	return nil
}

// matches compares an output with what a page shows, where "..." is any text: alone in its line any
// number of lines, elsewhere any text of one line.
func matches(output, shown string) bool {
	pattern := regexp.QuoteMeta(shown)
	pattern = regexp.MustCompile(`(?m)^\\\.\\\.\\\.\n`).ReplaceAllString(pattern, `(?:.*\n)*`)
	pattern = strings.ReplaceAll(pattern, `\.\.\.`, `.*`)
	return regexp.MustCompile(`\A` + pattern + `\z`).MatchString(output)
}

func TestDocsMatching(t *testing.T) {
	for _, test := range []struct {
		output, shown string
		want          bool
	}{
		{"", "", true},
		{"a\n", "a\n", true},
		{"a\n", "", false},
		{"", "a\n", false},
		{"a\nb\n", "a\n", false},
		{"a.c\n", "a.c\n", true},
		{"abc\n", "a.c\n", false},
		{"a\nb\nc\n", "a\n...\n", true},
		{"a\n", "a\n...\n", true},
		{"a\nb\nc\n", "...\nc\n", true},
		{"a\nb\nc\n", "...\nd\n", false},
		{"pid 17 ended\n", "pid ... ended\n", true},
		{"pid 17\nended\n", "pid ... ended\n", false},
	} {
		if got := matches(test.output, test.shown); got != test.want {
			t.Errorf("%q and %q: %t", test.output, test.shown, got)
		}
	}
}

func TestDocsParsing(t *testing.T) {
	const page = "text\n```console\n$ one \\\n    two\nout\n$ three <<E\n> text\n> E\n```\n" +
		"<!-- not run: a reason -->\n\n```sh\nfour\n```\n" +
		"* item\n\n  ```lua\n  -- box.lua\n    x\n  ```\n```lua\nx = 1\n```\n```go\nx\n```\n"
	blocks, err := parseBlocks(page)
	if err != nil || len(blocks) != 4 {
		t.Fatalf("%+v, %v", blocks, err)
	}
	want := []docCommand{{3, "one \\\n    two", "out\n"}, {6, "three <<E\ntext\nE", ""}}
	if got := blocks[0].commands; len(got) != 2 || got[0] != want[0] || got[1] != want[1] ||
		!blocks[0].prompts {
		t.Errorf("%+v", blocks[0])
	}
	if blocks[1].mark != markNotRun || blocks[1].runs() || blocks[1].prompts ||
		len(blocks[1].commands) != 1 {
		t.Errorf("%+v", blocks[1])
	}
	if blocks[2].file != "box.lua" || blocks[2].text != "-- box.lua\n  x\n" ||
		blocks[3].file != fallbackName ||
		blocks[3].text != "x = 1\n" {
		t.Errorf("%+v", blocks[2:])
	}
	for _, bad := range []string{
		"```console\nno prompt\n```\n",
		"<!-- not run -->\n```sh\nx\n```\n",
		"<!-- not run: a reason -->\ntext\n",
	} {
		if blocks, err := parseBlocks(bad); err == nil {
			t.Errorf("%q gives %+v", bad, blocks)
		}
	}
}
