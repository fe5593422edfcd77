package definitions

import (
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
