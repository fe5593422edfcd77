package definitions

import (
	"slices"
	"strings"
	"testing"
)

func TestParseErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no meta", "x = 1", "1: ---@meta expected"},
		{"unknown tag", "---@meta\n\n---@see x", "3: unknown tag see"},
		{"tags of nothing", "---@meta\n\n---@param x integer\n", "3: tags of nothing"},
		{"text after tags", "---@meta\n\n---@param x integer\n---text", "4: text after tags"},
		{"other parameters", "---@meta\n\n---@param x integer\nfunction f(y) end",
			"4: f: the parameters are (y), documented are (x)"},
		{"statement", "---@meta\n\nreturn 1", `3: "return 1" is not understood`},
		{"two statements", "---@meta\n\nx = 1\ny = 1", "4: empty line expected"},
		{"numbers", "---@meta\n\n---@alias initscript.N integer # 1 to x",
			`3: initscript.N: strconv.ParseInt: parsing "x": invalid syntax`},
		{"choice", "---@meta\n\n---@alias initscript.N integer # 1 to 2; A_*; one of all",
			`3: initscript.N: strconv.ParseUint: parsing "all": invalid syntax`},
		{"live", "---@meta\n\n---@live nothing: f()\nfunction f() end",
			`3: "nothing: f()" is no class of live mode with a script`},
		{"two classes", "---@meta\n\n---@live reads: f()\n---@live process: f()\nfunction f() end",
			`4: "process: f()" is no class of live mode with a script`},
		{"live of nothing", "---@meta\n\n---@live reads: f()\n", "3: tags of nothing"},
		{"alias", "---@meta\n\n---@alias a\n---b", `4: "b" is not understood`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Parse(test.text); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestParseAliases(t *testing.T) {
	blocks, err := Parse(`---@meta

---@param how? initscript.Flags|nil
---@param list initscript.Flags[]
---@param other initscript.Other
---@return initscript.Path path
---@overload fun(how: initscript.Path): integer
---@live every thread: local t = {}
---@live every thread: C.f(1, t, t)
function C.f(how, list, other) end

---@alias initscript.Path string

---@alias initscript.Flags integer # -1 to 0x10; A_* B_* but A_B_* A_C; one of 3

---@alias initscript.One integer # 0 to 7; A_*; one of them
`)
	if err != nil {
		t.Fatal(err)
	}
	f := blocks[0]
	if want := []Value{
		{Name: "how", Type: "integer|nil", Alias: "Flags", Optional: true},
		{Name: "list", Type: "integer[]", Alias: "Flags"},
		{Name: "other", Type: "initscript.Other"},
	}; !slices.Equal(f.Params, want) {
		t.Errorf("parameters: %+v", f.Params)
	}
	if got := f.Returns[0]; got != (Value{Name: "path", Type: "string", Alias: "Path"}) {
		t.Errorf("result: %+v", got)
	}
	param := Value{Name: "how", Type: "string", Alias: "Path"}
	if got := f.Overloads[0]; got.Returns != "integer" || got.Params[0] != param {
		t.Errorf("overload: %+v", got)
	}
	if want := (Live{"every thread", "local t = {}\nC.f(1, t, t)"}); f.Live != want {
		t.Errorf("live: %+v", f.Live)
	}
	numbers := AllNumbers(blocks)
	flags, one := numbers["Flags"], numbers["One"]
	if flags.Min != -1 || flags.Max != 16 || flags.Choice != 3 || one.Choice != ChooseOne {
		t.Errorf("numbers: %+v, %+v", flags, one)
	}
	names := map[string]bool{"A_X": true, "B_X": true, "A_B_X": false, "A_C": false, "C_X": false}
	for name, want := range names {
		if flags.Has(name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	const text = `---@meta

-- # Page

-- ## Family
--
-- Prose.

---Text.
---@class initscript.T
---@field a? integer what

---@alias initscript.A
---| "x" # first

---Effect.
---
---**Errors:** none.
---@param t table<string, initscript.T> text
---@param u? initscript.T[]
---@return integer result
---@overload fun(t: nil): nil
function C.f(t, u) end

---@class initscript.C
---@field N integer A | B. [extension]
`
	const want = notice + `# Page

## Contents

* [Family](#family): [C.f](#cf)

## Family

Prose.

### initscript.T

Text.

**Fields:**
* %a%, %integer%, optional: what

### initscript.A

**Values:**
* %"x"%: first

### C.f

%%%text
C.f(t: table<string, initscript.T>, u?: initscript.T[]): result: integer
C.f(t: nil): nil
%%%

Effect.

**Arguments:**
* %t%, %table<string, initscript.T>%: text
* %u%, [%initscript.T[]%](#initscriptt), optional

**Results:**
* %result%, %integer%

**Errors:** none.

| Constant | Meaning | Origin |
|---|---|---|
| %N% | A \| B. | extension |
`
	blocks, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := Markdown(blocks); got != strings.ReplaceAll(want, "%", "`") {
		t.Errorf("got:\n%s", got)
	}
}
