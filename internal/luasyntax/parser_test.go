package luasyntax_test

import (
	"fmt"
	"go/ast"
	goparser "go/parser"
	gotoken "go/token"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/luasyntax"
)

// accepts and refuses are pieces of Lua where implementations differ, or that are easy to get wrong.
var accepts = []string{
	"", "#!/usr/bin/lua\nx = 1", "\uFEFF# x\nx = 1", "x = 1;", "x = 1 y = 2", "ä = 1",
	"goto = 1", "goto.x = goto", "goto(1)", "local t = { goto = 1, goto }", "x.goto = 1",
	"function t.goto() end",
	"goto x ::x::", "::x:: goto x", "do goto x end ::x::", "goto x local a ::x::",
	"while true do goto continue local x ::continue:: end", "::a:: ::b:: goto a", "do ::x:: end ::x::",
	"goto x; ::x::;",
	"for i = 1, 2 do break end", "while x do if y then break end end", "repeat local x until x",
	"do return end",
	"return", "return;", "return 1, 2;", "return ...", "local function f(...) return ... end",
	"f{} f'' f[[]] f:m{} f:m''",
	"(f)()", "(f).x = 1", "a.b[c].d, e = 1", "f().x = 1", "local a, b = 1", "function a.b.c:d() " +
		"return self end",
	"x = -2 ^ -2", "x = not not a == b", "x = a .. b .. c ^ d ^ e", "x = #'a' + #t", "x = a or b " +
		"and c < d .. e + f * g ^ -h",
	"x = 0x1p4 + 0x.8 + 0xA.8P-1 + 1e+2 + .5 + 5. + 3e-2", "x = 1LL + 2ULL + 0x7fLL + 0xffull + " +
		"1llu + 0b101LL", "x = 2i + 1.5I + 0x1p1i",
	"x = 0b101", "x = 1 ..2", "x = 1e400", "x = 18446744073709551615ULL", "x = 0xffffffffffffffffLL",
	"x = 0x123456789abcdef123",
	`x = "\x41\u{48}\u{10FFFF}\z
	   next\065\0\a\
line"`, "x = [==[\n]] ]=] ]==]", "x = [[a]b]]", "--[==[\n]]\n]==] x = 1", "--[=x\nx = 1",
	"--", "--[[]]", "x = '\\\r\n'",
	"f(function() end, { 1, 2; x = 3, ['y'] = 4, })", "x = { f\n(y) }", "local x = function(a, b, " +
		"...) end",
	"return function() return function(...) return ... end end", "x = a\r\ny = b\n\rz = c",
	"if a then elseif b then else end",
	"for a, b in pairs(t) do end for i = 1, 10, 2 do local i = i end", "a, b, c = 1, f()",
}

var refuses = []string{
	"x", "x y", ";", "x = 1;;", "repeat goto x local a ::x:: until true", "x = 1..2", "local x <a, b",
	"x =", "= 1", "f() = 1", "(a) = 1", "(a)", "(f())", "a, f() = 1", "1", "'x'", "local 1",
	"local function 1() end",
	"local a.b = 1", "f\n(x)", "x = f\n(y)", "a:b", "a:b.c", "return return", "return 1 x = 2",
	"while x do break x() end",
	"break", "while x do local function f() break end end", "goto x", "goto continue",
	"do ::x:: end goto x",
	"goto x local a ::x:: a = 1", "goto x local a ::x:: ; a()", "repeat goto x local a ::x:: ; " +
		"until a", "::x:: ::x::", "::x",
	"function f() goto x end ::x::", "local x = ... function f() return ... end", "function f(a,) end",
	"function f(..., a) end",
	"function f(1) end", "function a.b:c.d() end", "function a[1]() end", "if x", "if x then",
	"if x then else elseif y then end",
	"while x", "for", "for x", "for x = 1", "for x = 1 do end", "for x, y = 1, 2 do end", "for x in",
	"repeat", "do", "function", "f(",
	"if x then\n\n", "f(\n1", "x = {\n1", "x = (\n1", "x = { 1 2 }", "x = { [1] }", "x = { a = }",
	"x = a[1", "x = }", "end", "until x",
	"x = 3x", "x = 0x", "x = 1e", "x = 1e+", "x = 1.2.3", "x = 1L", "x = 1U", "x = 1.5LL", "x = 0b12",
	"x = 0b1.1", "x = 0b", "x = 0x1p", "x = 1..",
	"x = 18446744073709551616ULL", "x = 0x1ffffffffffffffffLL", "x = 3ä", "x = 1_000",
	"x = 'abc", "x = 'abc\ny'", `x = "\q"`, `x = "\256"`, `x = "\x4"`, `x = "\u{}"`, `x = "\u{110000}"`,
	`x = "\u{d800}"`, `x = "\u41"`,
	"x = [[", "x = [==", "x = [=x", "--[[", "--[==[ ]]", "x = a ? b : c", "x += 1", "x = a != b",
	"x = a && b", "x = a // b", "x = a & b", "x = ~1",
	"local x <const> = 1", "x = \x01", "x = @", "x = a ~ b", "x = $", "!", "local", "local function",
	"local x =", "return ,", "f(,)", "a.1 = 2", "a. = 2",
	"x = not", "x = -", "x = #", "x = a..", "and = 1", "x = function", "x = function(",
	"x = function() ",
}

// nested repeats a piece around another one.
func nested(open, inner, closing string, depth int) string {
	return strings.Repeat(open, depth) + inner + strings.Repeat(closing, depth)
}

func TestAgainstLuaJIT(t *testing.T) {
	real := startLuaJIT(t)
	for _, source := range accepts {
		if got := verdict(t, source); got != accepted {
			t.Errorf("%q: %s", source, got)
		}
		compare(t, real, source)
	}
	for _, source := range refuses {
		if verdict(t, source) == accepted {
			t.Errorf("%q is accepted", source)
		}
		compare(t, real, source)
	}
}

func TestLimitsAgainstLuaJIT(t *testing.T) {
	real := startLuaJIT(t)
	list := func(n int, format string) string {
		var items []string
		for i := range n {
			items = append(items, fmt.Sprintf(format, i))
		}
		return strings.Join(items, ", ")
	}
	for _, n := range []int{59, 60, 61, 62, 65, 66, 97, 98, 99, 100, 101, 195, 196, 197, 198, 199, 200,
		201} {
		for _, source := range []string{
			"x = " + nested("(", "1", ")", n), "x = " + nested("{", "1", "}", n), nested("do ", "",
				" end", n),
			"x = " + nested("-", "1", "", n), nested("if x then ", "", " end", n), nested("f(", "", ")",
				n),
			"x = " + strings.Repeat("1 ^ ", n) + "1", "x = " + nested("function() return ", "1", " end",
				n),
			"local " + list(n, "a%d"), "function f(" + list(n,
				"a%d") + ") end", "function f() local " + list(n, "a%d") + " end",
			"local " + list(n-3, "a%d") + " for i = 1, 2 do end", "for " + list(n,
				"a%d") + " in x do end",
			list(n, "a%d") + " = 1", "do " + list(n-1, "a%d") + " = 1 end", strings.Repeat("::a::",
				1) + labels(n),
			"local " + list(min(n, 190), "a%d") + "\nfunction f() return { " + list(min(n, 190),
				"a%d") + " } end",
			"local " + list(min(n, 190), "a%d") +
				"\nfunction f() function g() return { " + list(min(n, 190), "a%d") + " } end end",
		} {
			compare(t, real, source)
		}
	}
}

func labels(n int) string {
	var source strings.Builder
	for i := range n {
		fmt.Fprintf(&source, "::l%d::", i)
	}
	return source.String()
}

// corpus returns every piece of Lua in the repository, and every string of its Go files, most of
// which are none.
func corpus(t testing.TB) []string {
	t.Helper()
	var sources []string
	codeBlock := regexp.MustCompile("(?s)```lua\n(.*?)```")
	definitionExample := regexp.MustCompile("(?s)---```lua\n(.*?)---```")
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text := func() string {
			text, err := os.ReadFile(path)
			must(err)
			return string(text)
		}
		switch filepath.Ext(path) {
		case ".lua":
			sources = append(sources, text())
			for _, match := range definitionExample.FindAllStringSubmatch(text(), -1) {
				sources = append(sources, strings.ReplaceAll(match[1], "---", ""))
			}
		case ".md":
			for _, match := range codeBlock.FindAllStringSubmatch(text(), -1) {
				sources = append(sources, match[1])
			}
		case ".txt": // testscripts
			if strings.Contains(path, "testdata/script/") {
				for part := range strings.SplitSeq(text(), "\n-- ") {
					_, part, _ = strings.Cut(part, " --\n")
					sources = append(sources, part)
				}
			}
		case ".go":
			sources = append(sources, goStrings(t, path)...)
		}
		return nil
	}))
	if len(sources) < 1000 {
		t.Fatalf("only %d texts", len(sources))
	}
	return sources
}

func goStrings(t testing.TB, path string) []string {
	t.Helper()
	file, err := goparser.ParseFile(gotoken.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	ast.Inspect(file, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == gotoken.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				list = append(list, text)
			}
		}
		return true
	})
	return list
}

func TestCorpusAgainstLuaJIT(t *testing.T) {
	real := startLuaJIT(t)
	for _, source := range corpus(t) {
		compare(t, real, source)
	}
}

// Texts that were Lua and lack, or have twice, a word or a sign.
func TestDamagedScriptsAgainstLuaJIT(t *testing.T) {
	real := startLuaJIT(t)
	random := rand.New(rand.NewSource(1))
	word := regexp.MustCompile(`\w+|[^\w\s]|\n`)
	for _, source := range corpus(t) {
		places := word.FindAllStringIndex(source, -1)
		if len(places) < 4 || len(source) > 50_000 || verdict(t, source) != accepted {
			continue
		}
		for range 6 {
			place, other := places[random.Intn(len(places))], places[random.Intn(len(places))]
			before, text, after := source[:place[0]], source[place[0]:place[1]], source[place[1]:]
			for _, damaged := range []string{
				before + after, before, before + text + " " + text + after,
				before + source[other[0]:other[1]] + after,
			} {
				compare(t, real, damaged)
			}
		}
		if t.Failed() {
			break
		}
	}
}

func TestPositions(t *testing.T) {
	tests := []struct {
		source string
		line   int
		column int
	}{
		{"x = ", 1, 5},
		{"x = 1\n  y z", 2, 5},
		{"ä = = 1", 1, 6},
		{"\r\n\r\n x", 3, 3},
		{"x = [[\n\n]] y", 3, 5},
		{"x = 'a\\q'", 1, 7},
		{"do goto l end", 1, 4},
	}
	for _, test := range tests {
		_, err := luasyntax.Parse(test.source)
		syntaxError, ok := err.(*luasyntax.Error)
		if !ok || syntaxError.Line != test.line || syntaxError.Column != test.column {
			t.Errorf("%q: %v, want %d:%d", test.source, err, test.line, test.column)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, source := range append(accepts, refuses...) {
		f.Add(source)
	}
	f.Add("\ufeff\x1b") // bytecode
	real := startLuaJIT(f)
	f.Fuzz(func(t *testing.T, source string) {
		compare(t, real, source)
	})
}
