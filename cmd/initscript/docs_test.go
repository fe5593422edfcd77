package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository is the root of the sources, seen from here.
const repository = "../.."

// TestDocs runs the commands that the pages show, and compares what they print. How a page says
// what is not to be run, and why, is explained in CONTRIBUTING.md.
func TestDocs(t *testing.T) {
	if withASan {
		t.Skip("a recipe limits the address space, and the sanitizer needs terabytes of it")
	}
	pages, err := filepath.Glob(filepath.Join(repository, "docs", "*", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/README.md"} {
		pages = append(pages, filepath.Join(repository, name))
	}
	commands, inDocker := 0, 0
	for _, page := range pages {
		blocks, err := readBlocks(page)
		if err != nil {
			t.Error(err)
		}
		for _, block := range blocks {
			commands += len(block.commands)
			if block.mark == markDocker {
				inDocker += len(block.commands)
			}
		}
		if len(blocks) > 0 {
			t.Run(filepath.Base(page), func(t *testing.T) {
				if filepath.Base(page) == "lua-host.md" {
					requireHost(t)
				}
				runBlocks(t, blocks)
			})
		}
	}
	if commands == 0 || inDocker == 0 {
		t.Errorf("the pages have %d commands, %d of them for Docker", commands, inDocker)
	}
}

// runBlocks runs the blocks of a page in their order, in one shell and one directory, which has the
// examples and recipes of the repository, and a Makefile.
func runBlocks(t *testing.T, blocks []docBlock) {
	requireUserNamespaces(t)
	home, results := t.TempDir(), t.TempDir()
	for _, tree := range []string{"examples", "lua"} {
		if err := os.CopyFS(filepath.Join(home, tree),
			os.DirFS(filepath.Join(repository, tree))); err != nil {
			t.Fatal(err)
		}
	}
	// For the recipes that run make.
	if err := os.WriteFile(filepath.Join(home, "Makefile"), []byte("all test:\n\t@true\n"),
		0o666); err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	fmt.Fprintf(&script, "cd '%s'\nstatus=0\n", home)
	for i := range blocks {
		if blocks[i].runs() {
			writeBlock(t, &script, &blocks[i], fmt.Sprintf("%s/%d", results, i))
		}
	}
	shell := newProcess(t, "bash", "-c", script.String())
	shell.Env = append(os.Environ(), "HOME="+home, "LC_ALL=C")
	if out, err := shell.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("the shell: %v\n%s", err, out)
	}
	for i := range blocks {
		if blocks[i].runs() {
			checkBlock(t, &blocks[i], fmt.Sprintf("%s/%d", results, i))
		}
	}
}

// writeBlock adds what the shell does for a block. The output of command N goes to PREFIX.N, its
// status to PREFIX.N.status.
func writeBlock(t *testing.T, script *strings.Builder, block *docBlock, prefix string) {
	if block.file != "" {
		if err := os.WriteFile(prefix, []byte(block.text), 0o666); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(script, "cp '%s' '%s'\n", prefix, block.file)
	}
	for i, command := range block.commands {
		// The parentheses let the command see $? of the one before.
		fmt.Fprintf(script, "(exit $status)\n{\n%s\n} >'%[2]s.%[3]d' 2>&1 "+
			"</dev/null\nstatus=$?\necho $status >'%[2]s.%[3]d.status'\n",
			command.text, prefix, i)
	}
}

func checkBlock(t *testing.T, block *docBlock, prefix string) {
	t.Helper()
	for i, command := range block.commands {
		out, err := os.ReadFile(fmt.Sprintf("%s.%d", prefix, i))
		if err != nil {
			t.Errorf("line %d: did not run: %s", command.line, command.text)
			return
		}
		if !block.prompts {
			status, err := os.ReadFile(fmt.Sprintf("%s.%d.status", prefix, i))
			if string(status) != "0\n" {
				t.Errorf("line %d: %s\nstatus %q, %v\n%s", command.line, command.text, status, err, out)
			}
			continue
		}
		if !matches(string(out), command.output) {
			t.Errorf("line %d: %s\ngot\n%sthe page has\n%s", command.line, command.text, out,
				command.output)
		}
	}
}

// A command that fails, prints something else, or ends the shell, is noticed.
func TestDocsNoticeMistakes(t *testing.T) {
	if os.Getenv("INITSCRIPT_TEST_MISTAKES") == "1" {
		for name, page := range map[string]string{
			"output":  "```console\n$ echo a\nb\n```\n",
			"status":  "```sh\nfalse\ntrue\n```\n",
			"exit":    "```console\n$ exit\n$ echo a\na\n```\n",
			"mistake": "```console\n$ echo \"\n```\n",
		} {
			blocks, err := parseBlocks(page)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(name, func(t *testing.T) { runBlocks(t, blocks) })
		}
		return
	}
	test := exec.Command("/proc/self/exe", "-test.run=^TestDocsNoticeMistakes$", "-test.v")
	test.Env = append(os.Environ(), "INITSCRIPT_TEST_MISTAKES=1")
	out, err := test.CombinedOutput()
	if skipped := strings.Count(string(out), "    --- SKIP"); skipped > 0 {
		t.Skipf("%s", out)
	}
	if failed := strings.Count(string(out), "    --- FAIL"); failed != 4 {
		t.Errorf("%d of 4 mistakes are noticed: %v\n%s", failed, err, out)
	}
}
