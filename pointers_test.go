package initscript_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sourceFiles returns the files of the repository that people have written.
func sourceFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	must(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == ".git" || path == "bin" ||
			strings.HasSuffix(path, "/testdata/fuzz")):
			return filepath.SkipDir
		case entry.Type().IsRegular() && !strings.HasSuffix(path, ".test"):
			files = append(files, path)
		}
		return nil
	}))
	return files
}

var (
	codeBlock = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	aLink     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	aHeading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInLink = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// anchors returns what links to the headings of a page are called, as GitHub makes them.
func anchors(page string) []string {
	var list []string
	for _, heading := range aHeading.FindAllStringSubmatch(codeBlock.ReplaceAllString(page, ""), -1) {
		text := aLink.ReplaceAllString(strings.ToLower(heading[1]), "]")
		text = notInLink.ReplaceAllString(text, "")
		list = append(list, strings.ReplaceAll(text, " ", "-"))
	}
	return list
}

// Relative links lead to files, and to headings that are there.
func TestLinksResolve(t *testing.T) {
	links, headings := 0, make(map[string][]string)
	for _, file := range sourceFiles(t) {
		if filepath.Ext(file) != ".md" {
			continue
		}
		text, err := os.ReadFile(file)
		must(t, err)
		page := codeSpan.ReplaceAllString(codeBlock.ReplaceAllString(string(text), ""), "")
		for _, link := range aLink.FindAllStringSubmatch(page, -1) {
			if strings.Contains(link[1], "://") || strings.HasPrefix(link[1], "mailto:") {
				continue
			}
			links++
			path, anchor, hasAnchor := strings.Cut(link[1], "#")
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: the link %s: %v", file, link[1], err)
			} else if hasAnchor {
				if _, known := headings[target]; !known {
					text, err := os.ReadFile(target)
					must(t, err)
					headings[target] = anchors(string(text))
				}
				if !slices.Contains(headings[target], anchor) {
					t.Errorf("%s: the link %s: no such heading", file, link[1])
				}
			}
		}
	}
	if links < 100 {
		t.Errorf("only %d links were found", links)
	}
}

var (
	// aComment is the rest of a line in Go, C, Lua and shell.
	aComment = regexp.MustCompile(`(?m)(?:^|\s)(?://|/\*|\*|#|--) (.*)$`)
	// fileName is a source by its name, or a path in one of our directories, with * for any text.
	fileName = regexp.MustCompile(`(?:^|[\s("'` + "`" + `])` +
		`((?:[\w.*-]+/)*[\w*-][\w.*-]*` +
		`\.(?:go|c|h|md)\b|` +
		`(?:bench|cmd|csrc|docker|docs|examples|internal|lua|luahost|seccomp|testdata|tools)` +
		`/[\w./*-]*\w)`)
	// notOurs are headers of the system, what is made, and what stands for any file in texts about
	// names.
	notOurs = regexp.MustCompile(`^((sys|linux)/.*|(lua|luajit|lauxlib|lualib|jail)\.h|bin/.*|` +
		`bench/out|` +
		`a\.b\.c|.*(NAME|KIND).*)$`)
)

// What comments and pages say of files is about files that are there.
func TestNamedFilesExist(t *testing.T) {
	files := sourceFiles(t)
	exists := func(name, from string) bool {
		for _, base := range []string{".", filepath.Dir(from), filepath.Dir(filepath.Dir(from))} {
			if found, err := filepath.Glob(filepath.Join(base, name)); err == nil && len(found) > 0 {
				return true
			}
		}
		return !strings.Contains(name, "/") && slices.ContainsFunc(files, func(file string) bool {
			matches, err := filepath.Match(name, filepath.Base(file))
			return err == nil && matches
		})
	}
	named := 0
	for _, file := range files {
		if filepath.Dir(file) == "docs/reference/man" || file == "CHANGELOG.md" {
			continue // of what was, and what is made from other files
		}
		text, err := os.ReadFile(file)
		must(t, err)
		var prose string
		switch filepath.Ext(file) {
		case ".md":
			prose = codeBlock.ReplaceAllString(string(text), "")
		case ".go", ".c", ".h", ".lua", ".sh", "":
			for _, comment := range aComment.FindAllSubmatch(text, -1) {
				prose += string(comment[1]) + "\n"
			}
		}
		for _, match := range fileName.FindAllStringSubmatch(prose, -1) {
			name := match[1]
			if notOurs.MatchString(name) {
				continue
			}
			named++
			if !exists(name, file) {
				t.Errorf("%s names %s, which does not exist", file, name)
			}
		}
	}
	if named < 300 {
		t.Errorf("only %d names were found", named)
	}
}
