package initscript_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/definitions"
)

//go:generate go run ./tools/script-api lua/initscript.d.lua docs/script-api.md docs/man/initscript-script.7
//go:generate go test -run ^TestManPageIsUpToDate$ ./cmd/initscript -update

func parseDefinitions(t *testing.T) []definitions.Block {
	t.Helper()
	const file = "lua/initscript.d.lua"
	text, err := os.ReadFile(file)
	must(t, err)
	blocks, err := definitions.Parse(string(text))
	if err != nil {
		t.Fatalf("%s:%v", file, err)
	}
	return blocks
}

// definedNames maps "C open function", "C O_RDWR number" and "_G mode" to where they exist, such as
// "newer Emilua, Linux only".
func definedNames(t *testing.T) map[string]string {
	t.Helper()
	origins := map[string]string{}
	add := func(name, origin string) {
		if _, ok := origins[name]; ok {
			t.Errorf("%s is defined twice", name)
		}
		origins[name] = origin
	}
	for _, block := range parseDefinitions(t) {
		name, inC := strings.CutPrefix(block.Name, "C.")
		switch {
		case block.Kind == definitions.Function && inC:
			add("C "+name+" function", block.Origin())
		case block.Kind == definitions.Function || block.Kind == definitions.Variable:
			add("_G "+name, block.Origin())
		case block.IsConstants():
			for _, field := range block.Fields {
				origin, _ := field.Origin()
				add("C "+field.Name+" number", origin)
			}
		}
	}
	if len(origins) == 0 {
		t.Fatal("nothing is defined")
	}
	return origins
}

// listedNames is what definedNames should be, from the lists in testdata.
func listedNames(t *testing.T) map[string]string {
	t.Helper()
	formats := map[string]string{"functions": "C %s function", "constants": "C %s number", "globals": "_G %s"}
	lists := map[string]string{"init.script": "init.script", "newer": "newer Emilua", "extension": "extension"}
	platforms := map[string]string{"all": "", "linux": ", Linux only", "freebsd": ", FreeBSD only"}
	origins := map[string]string{}
	for list, origin := range lists {
		for kind, format := range formats {
			text, err := os.ReadFile(filepath.Join("testdata", list+"."+kind+".txt"))
			if os.IsNotExist(err) {
				continue
			}
			must(t, err)
			for line := range strings.Lines(string(text)) {
				if fields := strings.Fields(line); !strings.HasPrefix(line, "#") {
					origins[fmt.Sprintf(format, fields[0])] = origin + platforms[fields[1]]
				}
			}
		}
	}
	return origins
}

// What is defined for this system is what a script sees, and has the same kind.
func TestDefinitionsAreTheNamesOfScripts(t *testing.T) {
	r := runScript(t, `
		local _, names = debug.getupvalue(getmetatable(C).__index, 1)
		for name in pairs(names) do S('C ' .. name .. ' ' .. type(C[name])) end
		for name in pairs(_G) do S('_G ' .. name) end`)
	if r.Err != nil || len(r.Sent) == 0 {
		t.Fatalf("%+v", r)
	}
	defined := definedNames(t)
	for name, origin := range defined {
		onFreeBSD := strings.HasSuffix(origin, ", FreeBSD only")
		if seen := slices.Contains(r.Sent, name); seen == onFreeBSD {
			t.Errorf("%s: origin %q, a script sees it: %t", name, origin, seen)
		}
	}
	for _, name := range r.Sent {
		_, ok := defined[name]
		if strings.HasPrefix(name, "C ") && !ok {
			t.Errorf("%s is not defined", name)
		}
	}
}

// This also has the globals, of which a script sees those of Lua too.
func TestDefinitionsHaveTheRightOrigins(t *testing.T) {
	defined, listed := definedNames(t), listedNames(t)
	names := maps.Clone(defined)
	maps.Copy(names, listed)
	for name := range names {
		if defined[name] != listed[name] {
			t.Errorf("%s: the definitions say %q, the lists in testdata %q", name, defined[name], listed[name])
		}
	}
}

func TestDefinitionsHaveAllParagraphs(t *testing.T) {
	want := []string{"Errors", "Privilege", "Kernel", "See", "Origin", "Example"}
	for _, block := range parseDefinitions(t) {
		if block.Kind != definitions.Function {
			continue
		}
		if !slices.Equal(block.Labels(), want) {
			t.Errorf("%s has %v", block.Name, block.Labels())
		}
		if strings.HasPrefix(block.Text[0], "**") || len(block.Examples()) == 0 {
			t.Errorf("%s has no description or no example", block.Name)
		}
		for _, value := range slices.Concat(block.Params, block.Returns) {
			if value.Name == "" || value.Type == "" {
				t.Errorf("%s: %+v", block.Name, value)
			}
		}
	}
}

// A function takes as many arguments as it checks, or more of which the rest is optional.
func TestDefinitionsHaveTheCheckedParameters(t *testing.T) {
	compared := 0
	for _, block := range parseDefinitions(t) {
		signature, ok := signatures[block.Name]
		if block.Kind != definitions.Function || !ok {
			continue
		}
		compared++
		checked := strings.Fields(strings.TrimSuffix(signature, " nil"))
		required := 0
		for _, param := range block.Params {
			if !param.Optional {
				required++
			}
		}
		if len(checked) < required || len(checked) > len(block.Params) {
			t.Errorf("%s: %+v are defined, %v are checked", block.Name, block.Params, checked)
			continue
		}
		types := map[string]string{"int": "integer", "str": "string"}
		for i, kind := range checked {
			// Structures and what may be nil have types of their own.
			want, ok := types[kind]
			if got := block.Params[i]; ok && got.Type != want {
				t.Errorf("%s: %s is defined as %s, and checked as %s", block.Name, got.Name, got.Type, want)
			}
		}
	}
	if compared != len(signatures) {
		t.Errorf("%d functions of %d are defined", compared, len(signatures))
	}
}

func TestDefinitionsHaveExamplesThatCompile(t *testing.T) {
	var script strings.Builder
	examples := 0
	for _, block := range parseDefinitions(t) {
		for _, example := range block.Examples() {
			examples++
			fmt.Fprintf(&script, "S(select(2, loadstring([==[%s]==], '=%s')) or 'good') ", example, block.Name)
		}
	}
	r := runScript(t, script.String())
	if r.Err != nil || len(r.Sent) != examples {
		t.Fatalf("%d examples: %+v", examples, r)
	}
	for _, message := range r.Sent {
		if message != "good" {
			t.Error(message)
		}
	}
}

// Texts and examples name nothing that is not defined.
func TestDefinitionsNameOnlyWhatIsDefined(t *testing.T) {
	defined := definedNames(t)
	use := regexp.MustCompile(`\bC\.(\w+)`)
	text, err := os.ReadFile("lua/initscript.d.lua")
	must(t, err)
	for _, match := range use.FindAllStringSubmatch(string(text), -1) {
		_, function := defined["C "+match[1]+" function"]
		_, constant := defined["C "+match[1]+" number"]
		if !function && !constant {
			t.Errorf("%s is not defined", match[0])
		}
	}
}

// The texts that lists may have are those that the functions know.
func TestDefinitionsHaveTheKnownTexts(t *testing.T) {
	calls := map[string]string{
		"initscript.SeccompFilterFlag":         `C.seccomp_set_mode_filter("", { %s })`,
		"initscript.LandlockAccessFS":          `C.landlock_create_ruleset({ handled_access_fs = { %s } })`,
		"initscript.LandlockAccessNet":         `C.landlock_create_ruleset({ handled_access_net = { %s } })`,
		"initscript.LandlockScope":             `C.landlock_create_ruleset({ scoped = { %s } })`,
		"initscript.LandlockCreateRulesetFlag": `C.landlock_create_ruleset(nil, { %s })`,
		"initscript.LandlockAddRuleFlag":       `C.landlock_add_rule(-1, "path_beneath", {}, { %s })`,
		"initscript.LandlockRestrictSelfFlag":  `C.landlock_restrict_self(-1, { %s })`,
	}
	documented := map[string]bool{}
	for _, block := range parseDefinitions(t) {
		for _, value := range block.Values {
			documented[value.Name] = true
		}
		call, ok := calls[block.Name]
		if !ok {
			continue
		}
		delete(calls, block.Name)
		t.Run(block.Name, func(t *testing.T) {
			script, want := "errexit = false ", []string{}
			for _, value := range append(block.Values, definitions.Value{Name: `"no such text"`}) {
				script += "S(pcall(function() " + fmt.Sprintf(call, value.Name) + " end)) "
				want = append(want, "true")
			}
			want[len(want)-1] = "false"
			if r := runScript(t, script); !slices.Equal(r.Sent, want) {
				t.Errorf("%+v", r)
			}
		})
	}
	for name := range calls {
		t.Errorf("%s is not defined", name)
	}
	table := regexp.MustCompile(`\{("\w+"), (?:LANDLOCK|SECCOMP)_`)
	for _, file := range []string{"csrc/api_landlock_linux.c", "csrc/api_seccomp_linux.c"} {
		source, err := os.ReadFile(file)
		must(t, err)
		known := table.FindAllStringSubmatch(string(source), -1)
		if len(known) == 0 {
			t.Errorf("%s has no table of texts", file)
		}
		for _, match := range known {
			if !documented[match[1]] {
				t.Errorf("%s: %s is not defined", file, match[1])
			}
		}
	}
}

func TestScriptAPIPageIsUpToDate(t *testing.T) {
	page, err := os.ReadFile("docs/script-api.md")
	must(t, err)
	if string(page) != definitions.Markdown(parseDefinitions(t)) {
		t.Error("docs/script-api.md is not what the definitions give: run go generate .")
	}
}

// Links to headings, and to other pages, lead somewhere.
func TestScriptAPIPageHasNoDeadLinks(t *testing.T) {
	text, err := os.ReadFile("docs/script-api.md")
	must(t, err)
	page := string(text)
	anchors := map[string]bool{}
	notInAnchors := regexp.MustCompile(`[^a-z0-9_ -]`)
	for _, match := range regexp.MustCompile(`(?m)^##+ (.*)$`).FindAllStringSubmatch(page, -1) {
		anchor := strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-")
		if anchors[anchor] {
			t.Errorf("two headings are #%s", anchor)
		}
		anchors[anchor] = true
	}
	for _, match := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(page, -1) {
		target := match[1]
		if anchor, ok := strings.CutPrefix(target, "#"); ok {
			if !anchors[anchor] {
				t.Errorf("there is no heading %s", target)
			}
		} else if !strings.HasPrefix(target, "https://") {
			if _, err := os.Stat(filepath.Join("docs", target)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestDefinitionsSampleOfSettings(t *testing.T) {
	text, err := os.ReadFile("lua/luarc-sample.json")
	must(t, err)
	var settings struct {
		Version         string   `json:"runtime.version"`
		Library         []string `json:"workspace.library"`
		CheckThirdParty *bool    `json:"workspace.checkThirdParty"`
	}
	must(t, json.Unmarshal(text, &settings))
	if settings.Version != "LuaJIT" || len(settings.Library) != 1 || settings.CheckThirdParty == nil || *settings.CheckThirdParty {
		t.Fatalf("%+v", settings)
	}
	// As it is, the sample is for the root of this repository.
	if _, err := os.Stat(filepath.Join(settings.Library[0], "initscript.d.lua")); err != nil {
		t.Error(err)
	}
}
