package initscript_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/lua"
)

//go:generate go run ./tools/script-api
//go:generate go test -run ^TestManPageIsUpToDate$ ./cmd/initscript -update

// definedNames maps "C open function", "C O_RDWR number" and "_G mode" to their origins.
func definedNames(t *testing.T) map[string]string {
	t.Helper()
	formats := map[string]string{"functions": "C %s function", "constants": "C %s number",
		"globals": "_G %s"}
	origins := map[string]string{}
	for _, n := range testkit.APINames() {
		key := fmt.Sprintf(formats[n.Kind], n.Name)
		if _, ok := origins[key]; ok {
			t.Errorf("%s is defined twice", key)
		}
		origins[key] = n.Origin
	}
	if len(origins) == 0 {
		t.Fatal("nothing is defined")
	}
	return origins
}

// emiluaNames are the names that Emilua has and their origins, from the lists in testdata.
func emiluaNames(t *testing.T) map[testkit.APIName]bool {
	t.Helper()
	lists := map[string]string{"init.script": "init.script", "newer": "newer Emilua"}
	platforms := map[string]string{"all": "", "linux": ", Linux only", "freebsd": ", FreeBSD only"}
	names := map[testkit.APIName]bool{}
	for list, origin := range lists {
		for _, kind := range []string{"functions", "constants", "globals"} {
			text, err := os.ReadFile(filepath.Join("testdata", list+"."+kind+".txt"))
			must(t, err)
			for line := range strings.Lines(string(text)) {
				if fields := strings.Fields(line); !strings.HasPrefix(line, "#") {
					name := testkit.APIName{Name: fields[0], Kind: kind,
						Origin: origin + platforms[fields[1]]}
					names[name] = true
				}
			}
		}
	}
	return names
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

// What Emilua has is called so, and everything else an extension. This also has the globals, of which a
// script sees those of Lua too.
func TestDefinitionsHaveTheRightOrigins(t *testing.T) {
	listed := emiluaNames(t)
	for _, n := range testkit.APINames() {
		isExtension := n.Origin == "extension" || strings.HasPrefix(n.Origin, "extension, ")
		if listed[n] == isExtension {
			t.Errorf("%s: defined as %q, among Emilua's names: %t", n.Name, n.Origin, listed[n])
		}
		delete(listed, n)
	}
	for n := range listed {
		t.Errorf("%s: the lists in testdata say %q, the definitions do not", n.Name, n.Origin)
	}
}

func TestDefinitionsHaveAllParagraphs(t *testing.T) {
	want := []string{"Errors", "Privilege", "Kernel", "See", "Origin", "Example"}
	for _, block := range testkit.APIBlocks() {
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

func TestDefinitionsHaveExamplesThatCompile(t *testing.T) {
	var script strings.Builder
	examples := 0
	for _, block := range testkit.APIBlocks() {
		for _, example := range block.Examples() {
			examples++
			fmt.Fprintf(&script, "S(select(2, loadstring([==[%s]==], '=%s')) or 'good') ", example,
				block.Name)
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
	for _, match := range use.FindAllStringSubmatch(lua.Definitions, -1) {
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
		"initscript.SeccompFilterFlag": `C.seccomp_set_mode_filter("", { %s })`,
		"initscript.LandlockAccessFS": `C.landlock_create_ruleset({ handled_access_fs = ` +
			`{ %s } })`,
		"initscript.LandlockAccessNet": `C.landlock_create_ruleset({ handled_access_net = ` +
			`{ %s } })`,
		"initscript.LandlockScope":             `C.landlock_create_ruleset({ scoped = { %s } })`,
		"initscript.LandlockCreateRulesetFlag": `C.landlock_create_ruleset(nil, { %s })`,
		"initscript.LandlockAddRuleFlag":       `C.landlock_add_rule(-1, "path_beneath", {}, { %s })`,
		"initscript.LandlockRestrictSelfFlag":  `C.landlock_restrict_self(-1, { %s })`,
	}
	documented := map[string]bool{}
	for _, block := range testkit.APIBlocks() {
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
	// The table of Landlock's names is generated.
	const file = "csrc/api_seccomp_linux.c"
	source, err := os.ReadFile(file)
	must(t, err)
	known := regexp.MustCompile(`\{("\w+"), SECCOMP_`).FindAllStringSubmatch(string(source), -1)
	if len(known) == 0 {
		t.Errorf("%s has no table of texts", file)
	}
	for _, match := range known {
		if !documented[match[1]] {
			t.Errorf("%s: %s is not defined", file, match[1])
		}
	}
}

// Links to headings, and to other pages, lead somewhere.
func TestScriptAPIPageHasNoDeadLinks(t *testing.T) {
	text, err := os.ReadFile("docs/reference/script-api.md")
	must(t, err)
	page := string(text)
	anchors := map[string]bool{}
	notInAnchors := regexp.MustCompile(`[^a-z0-9_ -]`)
	for _, match := range regexp.MustCompile(`(?m)^##+ (.*)$`).FindAllStringSubmatch(page, -1) {
		anchor := strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(match[1]), ""), " ",
			"-")
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
			if _, err := os.Stat(filepath.Join("docs/reference", target)); err != nil {
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
	if settings.Version != "LuaJIT" || len(settings.Library) != 1 || settings.CheckThirdParty == nil ||
		*settings.CheckThirdParty {
		t.Fatalf("%+v", settings)
	}
	// As it is, the sample is for the root of this repository.
	if _, err := os.Stat(filepath.Join(settings.Library[0], "initscript.d.lua")); err != nil {
		t.Error(err)
	}
}
