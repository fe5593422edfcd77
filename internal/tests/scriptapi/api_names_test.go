package scriptapi_test

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"
)

// allCases returns all cases of scripts, so that what is missing in all of them can be told.
func allCases(t *testing.T) *testkit.CaseFile {
	t.Helper()
	all, err := testkit.CaseFiles("testdata")
	testkit.Must(t, err)
	return all
}

var caseNumber = regexp.MustCompile(`\bH(\d+)\b`)

func TestNames(t *testing.T) {
	functions, absentFunctions := testkit.NamesOfKind(t, "functions")
	constants, absentConstants := testkit.NamesOfKind(t, "constants")
	globals, _ := testkit.NamesOfKind(t, "globals")
	tests := []struct {
		kind  string
		names []string
		value string // of the name n
		want  string
	}{
		{"functions", functions, "type(C[n])", "function"},
		{"constants", constants, "type(C[n])", "number"},
		{"functions of other systems", absentFunctions, "select(2, pcall(function() return C[n] end))",
			"init.script:1: key not found"},
		{"constants of other systems", absentConstants, "select(2, pcall(function() return C[n] end))",
			"init.script:1: key not found"},
		{"globals", globals, "rawget(_G, n) ~= nil", "true"},
	}
	for _, test := range tests {
		t.Run(test.kind, func(t *testing.T) {
			if len(test.names) == 0 {
				t.Fatal("there are none")
			}
			walk := testkit.ScriptCase{Script: "errexit = false for _, n in ipairs(" +
				testkit.LuaList(test.names) + ") do R(n, " + test.value + ") end"}
			for _, name := range test.names {
				walk.Sent = append(walk.Sent, name+","+test.want)
			}
			walk.Run(t)
		})
	}
}

// Nothing is in the table C, or global, but what is defined.
func TestNoOtherNames(t *testing.T) {
	functions, _ := testkit.NamesOfKind(t, "functions")
	constants, _ := testkit.NamesOfKind(t, "constants")
	globals, _ := testkit.NamesOfKind(t, "globals")
	standard := strings.Fields(
		`_G _VERSION arg assert collectgarbage coroutine debug dofile error gcinfo getfenv
		getmetatable io ipairs jit load loadfile loadstring math module newproxy next os package
		pairs pcall print rawequal rawget rawlen rawset require select setfenv setmetatable string
		table tonumber tostring type unpack xpcall bit`,
	)
	r := testkit.RunScript(t, `
		local _, names = debug.getupvalue(getmetatable(C).__index, 1)
		for name in pairs(names) do S('C ' .. name) end
		for name in pairs(_G) do S('_G ' .. name) end`)
	if r.Err != nil || len(r.Sent) == 0 {
		t.Fatalf("%+v", r)
	}
	var known []string
	for _, name := range slices.Concat(functions, constants) {
		known = append(known, "C "+name)
	}
	for _, name := range slices.Concat(globals, standard) {
		known = append(known, "_G "+name)
	}
	for _, name := range r.Sent {
		if !slices.Contains(known, name) {
			t.Errorf("%s is not defined", name)
		}
	}
}

func TestConstants(t *testing.T) {
	constants, _ := testkit.NamesOfKind(t, "constants")
	walk := testkit.ScriptCase{Script: "for _, n in ipairs(" + testkit.LuaList(constants) +
		") do S(n .. ' ' .. string.format('%.0f', C[n])) end"}
	values := maps.Clone(sysValues)
	maps.Copy(values, otherValues)
	for _, name := range constants {
		value, ok := values[name]
		if !ok {
			t.Errorf("%s has no test", name)
		}
		walk.Sent = append(walk.Sent, name+" "+strconv.FormatInt(value, 10))
	}
	walk.Run(t)
	if len(values) != len(constants) {
		t.Errorf("%d values, %d constants", len(values), len(constants))
	}
}

// A function has a row for its effect, and one for its failure unless it cannot fail.
func TestEveryFunctionIsTested(t *testing.T) {
	functions, _ := testkit.NamesOfKind(t, "functions")
	globals, _ := testkit.NamesOfKind(t, "globals")
	var succeeding strings.Builder
	all := allCases(t)
	for _, c := range all.Cases {
		if c.Err == nil {
			succeeding.WriteString(c.Script + "\n")
		}
	}
	failing := map[string]bool{}
	for _, c := range all.Failures {
		failing[c.Function()] = true
	}
	for _, name := range slices.Concat(functions, globals) {
		call := `\bC\.` + name + `\(`
		switch {
		case name == "C" || name == "arg" || name == "errexit":
			continue
		case slices.Contains(globals, name):
			call = `(^|[^.\w])` + name + `\(`
		}
		if !regexp.MustCompile(call).MatchString(succeeding.String()) {
			t.Errorf("no test of the effect of %s", name)
		}
		if canFail := returnsErrno(name); canFail && !failing[name] {
			t.Errorf("no test of the failure of %s", name)
		}
	}
}

// returnsErrno reports whether a function of the table C, or a global, can fail.
func returnsErrno(name string) bool {
	for _, block := range testkit.APIBlocks() {
		if last := len(block.Returns) - 1; strings.TrimPrefix(block.Name, "C.") == name && last >= 0 {
			return block.Returns[last].Name == "errno"
		}
	}
	return false
}

// A text that a list can have, such as a right of Landlock, is in a case.
func TestEveryTextIsTested(t *testing.T) {
	var scripts strings.Builder
	for _, c := range allCases(t).Cases {
		scripts.WriteString(c.Script + "\n")
	}
	for _, block := range testkit.APIBlocks() {
		for _, value := range block.Values {
			text := strings.Trim(value.Name, `"`)
			used := regexp.MustCompile(`['"]` + text + `['"]`).MatchString(scripts.String())
			if !used && block.Name != "initscript.JailFlag" { // FreeBSD only
				t.Errorf("%s: no test of %s", block.Name, value.Name)
			}
		}
	}
}

// Emilua's cases that are about init scripts on Linux.
func TestEveryNumberedCaseIsThere(t *testing.T) {
	want := []int{
		1, 2, 3, 4, 5, 7, 8, 10, 13, 14, 15, 16, 18, 19, 20, 21, 22, 24, 25, 26, 27, 28, 29, 31, 32, 34,
		36, 37, 38, 40, 42,
		43, 44, 45, 47, 48, 49, 50, 51, 52, 54, 55, 56, 58, 59, 60, 61, 62, 64, 66, 68, 69, 70, 71, 72,
		74, 75, 76, 79, 80,
		81, 82, 86, 88, 89, 90, 91, 92, 94, 95, 97, 98, 100, 102,
	}
	have := map[int]bool{
		22: true, // TestByteCodeIsRefused
		49: true, // TestWriteAllThroughReceivedPipe
		72: true, // capabilities.txtar, raises
		88: true, // TestPID1ForwardsSignals
		89: true, // TestIDMapHandshake
		92: true, // landlock.txtar, raises
	}
	add := func(name string) {
		for _, match := range caseNumber.FindAllStringSubmatch(name, -1) {
			number, _ := strconv.Atoi(match[1])
			have[number] = true
		}
	}
	all := allCases(t)
	for _, c := range all.Cases {
		add(c.Name)
	}
	for _, c := range all.Failures {
		add(c.Name)
	}
	for _, c := range all.Deaths {
		add(c.Name)
	}
	for _, number := range want {
		if !have[number] {
			t.Errorf("no row for H%d", number)
		}
	}
	for number := range maps.Keys(have) {
		if !slices.Contains(want, number) {
			t.Errorf("H%d is not known", number)
		}
	}
}
