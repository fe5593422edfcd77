package trace_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/trace"
)

// What a script can call is what there are rows for.
func TestTracedFunctionsAreTheFunctionsOfScripts(t *testing.T) {
	cmd := initscript.Command("")
	cmd.Script = `
		local _, names = debug.getupvalue(getmetatable(C).__index, 1)
		for name in pairs(names) do
			if type(C[name]) == "function" then print(name) end
		end
		local lua = {}
		for name in string.gmatch([[assert collectgarbage dofile error gcinfo getfenv getmetatable ipairs
			load loadfile loadstring module newproxy next pairs pcall print rawequal rawget rawlen
			rawset require select setfenv setmetatable tonumber tostring type unpack xpcall]],
			"%w+") do lua[name] = true end
		for name, value in pairs(_G) do
			if type(value) == "function" and not lua[name] then print(name) end
		end`
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(out.String())
	seen := map[string]bool{}
	for _, name := range names {
		seen[name] = true
		if _, ok := trace.Functions[name]; !ok {
			t.Errorf("%s has no row", name)
		}
	}
	for name := range trace.Functions {
		if !seen[name] {
			t.Errorf("%s has a row and does not exist", name)
		}
	}
}
