package manpage_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/manpage"
	"github.com/go-initscript/initscript/lua"
	"github.com/spf13/cobra"
)

const pages = "../../docs/reference/man"

func TestScriptAPIIsUpToDate(t *testing.T) {
	blocks, err := definitions.Parse(lua.Definitions)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(pages, "initscript-script.7"))
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != manpage.ScriptAPI(blocks) {
		t.Error("docs/reference/man/initscript-script.7 is not what the definitions give: run go " +
			"generate .")
	}
	// Every name is found by a search in the page.
	for _, block := range blocks {
		if block.Kind == definitions.Function &&
			!strings.Contains(string(page), "\n.SS "+block.Name+"\n") {
			t.Errorf("the page has no section %s", block.Name)
		}
		if block.IsConstants() {
			for _, field := range block.Fields {
				if !strings.Contains(string(page), "\n.TP\n\\fB"+field.Name+"\\fR\n") {
					t.Errorf("the page does not have %s", field.Name)
				}
			}
		}
	}
}

// tolerated are complaints that do not matter: the pages have no date, see render; and the system has
// no settings of its own for manual pages.
var tolerated = regexp.MustCompile(`missing date|man\.local`)

func TestPagesAreWellFormed(t *testing.T) {
	list, err := filepath.Glob(filepath.Join(pages, "*.[17]"))
	if err != nil || len(list) != 2 {
		t.Fatalf("%q, %v", list, err)
	}
	for _, checker := range [][]string{
		{"mandoc", "-T", "lint", "-W", "warning"},
		{"groff", "-man", "-ww", "-z"},
	} {
		t.Run(checker[0], func(t *testing.T) {
			if _, err := exec.LookPath(checker[0]); err != nil {
				t.Skip(err)
			}
			for _, page := range list {
				out, err := exec.Command(checker[0], append(checker[1:], page)...).CombinedOutput()
				if err != nil && len(out) == 0 {
					t.Errorf("%s: %v", page, err)
				}
				for line := range strings.Lines(string(out)) {
					if !tolerated.MatchString(line) {
						t.Errorf("%s: %s", page, line)
					}
				}
			}
		})
	}
}

func TestFromCommand(t *testing.T) {
	root := &cobra.Command{Use: "tool", Short: "Do things"}
	sub := &cobra.Command{Use: "sub [flags] FILE", Long: "Text *of* _two_\n<lines> of a | b.\n\n  " +
		".an indented line\n\nThe end.",
		Example: "  tool sub -n 3 'x'", Run: func(*cobra.Command, []string) {},
		DisableFlagsInUseLine: true}
	sub.Flags().IntP("number", "n", 7, "the `NUMBER` of things")
	hidden := &cobra.Command{Use: "hidden", Hidden: true, Run: sub.Run}
	root.AddCommand(sub, hidden)
	page := manpage.FromCommand(root)
	for _, want := range []string{
		".SH NAME\ntool \\- do things\n",
		".SH SYNOPSIS\n\\fBtool sub\\fP [flags] FILE\n",
		".SH SUB\nText *of* _two_\n<lines> of a | b.\n.PP\n.RS 4\n.EX\n\\&.an indented " +
			"line\n.EE\n.RE\n.PP\nThe end.\n",
		".TP\n\\fB\\-n\\fP, \\fB\\-\\-number\\fP \\fINUMBER\\fP\nthe NUMBER of things (default 7)\n",
		"\ntool sub \\-n 3 \\(aqx\\(aq\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in\n%s", want, page)
		}
	}
	if strings.Contains(page, "hidden") {
		t.Error("a hidden command is shown")
	}
}

func TestMarkdown(t *testing.T) {
	blocks := []definitions.Block{{Text: strings.Split("# Title\n\nA `code-span`, **bold "+
		"`x`**\nand [text[]](#x),\n"+
		"[site](https://a.b).\n* one\n  more\n* two\n\n| A | B | C |\n|---|---|---|\n| `X` | "+
		"a\\|b | new |\n| `Y` | | |\n\n"+
		"```sh\n.x\ny \\-~\n# z\n```\n\n## Heading\n\n```\nz\n```", "\n")}}
	want := ".SH DESCRIPTION\nA \\fBcode\\-span\\fR, \\fBbold \\fBx\\fR\\fP\nand text[],\nsite " +
		"(https://a.b).\n" +
		".IP \\(bu 2\none\nmore\n.IP \\(bu 2\ntwo\n.TP\n\\fBX\\fR\na|b [new]\n.TP\n\\fBY\\fR\n" +
		".PP\n.RS 4\n.EX\n\\&.x\ny \\e\\-\\(ti\n# z\n.EE\n.RE\n.SH HEADING\n.RS 4\n.EX\nz\n.EE\n.RE\n"
	if page := manpage.ScriptAPI(blocks); !strings.Contains(page, want) {
		t.Errorf("%q is not in\n%q", want, page)
	}
}
