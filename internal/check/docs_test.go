package check_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/check"
	"github.com/go-initscript/initscript/internal/testkit"
)

// docExample is a script of docs/reference/check.md with the output that the page shows.
type docExample struct {
	name, source, output string
	options              check.Options
}

var section = regexp.MustCompile("(?s)\n## ([\\w-]+)\n\n(.*?)```lua\n(.*?)```\n\n```console\n\\$ " +
	"initscript check (.*?)script\\.lua\n(.*?)```\n")

func docExamples(t *testing.T) []docExample {
	t.Helper()
	page, err := os.ReadFile("../../docs/reference/check.md")
	testkit.Must(t, err)
	var examples []docExample
	for _, match := range section.FindAllStringSubmatch(string(page), -1) {
		example := docExample{name: match[1], source: match[3], output: match[5]}
		flags := strings.Fields(match[4])
		for i := 0; i+1 < len(flags); i += 2 {
			switch flags[i] {
			case "--kernel":
				example.options.Kernel = kernel(t, flags[i+1])
			case "--landlock-abi":
				n, err := strconv.Atoi(flags[i+1])
				testkit.Must(t, err)
				example.options.LandlockABI = &n
			default:
				t.Errorf("flag %s is not understood here", flags[i])
			}
		}
		examples = append(examples, example)
	}
	return examples
}

// The page has each diagnostic, in the order of Names, with an example that gives it.
func TestDocs(t *testing.T) {
	var names []string
	for _, example := range docExamples(t) {
		names = append(names, example.name)
		var output strings.Builder
		for _, d := range check.Check(example.source, example.options) {
			output.WriteString("script.lua:" + d.String() + "\n")
			if d.Name != example.name {
				t.Errorf("%s: the example has also %v", example.name, d)
			}
		}
		if output.String() != example.output || example.output == "" {
			t.Errorf("%s: got\n%sthe page has\n%s", example.name, &output, example.output)
		}
	}
	if !slices.Equal(names, check.Names) {
		t.Errorf("the page has %v, there are %v", names, check.Names)
	}
}

// The scripts before the sections show what is silent.
func TestDocsIntroduction(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/check.md")
	testkit.Must(t, err)
	introduction, _, _ := strings.Cut(string(page), "\n## ")
	_, source, _ := strings.Cut(introduction, "```lua\n")
	source, _, ok := strings.Cut(source, "```")
	if list := check.Check(source, check.Options{}); !ok || len(list) > 0 {
		t.Errorf("%q: %v", source, lines(list))
	}
	unsilenced := strings.ReplaceAll(source, "ignore", "ignored")
	if list := check.Check(unsilenced, check.Options{}); len(list) == 0 {
		t.Error("without its comments it is silent too")
	}
}
