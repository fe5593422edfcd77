package initscript_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-initscript/initscript/internal/definitions"
)

// signatures has the types of the arguments of every function that checks them, as they are defined, in
// the order of the manual page:
//
//	int     number or numeric string
//	str     string or number
//	bool    boolean
//	table   table
//	any     not checked here: it may be absent, or what is wrong with it ends the process
//
// Functions with messages of their own are not here: landlockRaises, TestFilterErrors.
var signatures = sync.OnceValue(func() map[string][]string {
	own := strings.Fields("C.landlock_create_ruleset C.landlock_add_rule C.landlock_restrict_self " +
		"C.seccomp_set_mode_filter")
	list := map[string][]string{}
	for _, block := range apiBlocks() {
		isHere := apiName{origin: block.Origin()}.isHere()
		if block.Kind != definitions.Function || !isHere || slices.Contains(own, block.Name) {
			continue
		}
		for _, param := range block.Params {
			list[block.Name] = append(list[block.Name], argumentType(param))
		}
	}
	return list
})

func argumentType(param definitions.Value) string {
	switch {
	case param.Optional || param.Alias == "Data" || strings.Contains(param.Type, "nil"):
		return "any"
	case param.Type == "integer":
		return "int"
	case param.Type == "string":
		return "str"
	case param.Type == "boolean":
		return "bool"
	default:
		return "table"
	}
}

// An absent argument is nil for functions that fix the number of their arguments first, as Emilua's do.
var fixesArguments = map[string]bool{"C.open": true, "C.execve": true, "C.fexecve": true}

// argumentTypes has, for every type of a signature, an argument that is good, what a message
// calls the type, and arguments that are wrong with what a message calls theirs.
var argumentTypes = map[string]struct {
	good, expected string
	wrong          map[string]string
}{
	"int":   {"0", "number", map[string]string{"nil": "nil", "'x'": "string", "''": "string", "true": "boolean", "{}": "table", "print": "function"}},
	"str":   {"'cap_chown'", "string", map[string]string{"nil": "nil", "false": "boolean", "{}": "table", "newproxy()": "userdata"}},
	"bool":  {"true", "boolean", map[string]string{"nil": "nil", "0": "number", "'true'": "string"}},
	"table": {"{}", "table", map[string]string{"nil": "nil", "1": "number", "'{}'": "string"}},
	"any":   {"nil", "", nil},
}

// Arguments are checked from left to right, and all before anything is done.
func TestArgumentErrors(t *testing.T) {
	for function, types := range signatures() {
		t.Run(function, func(t *testing.T) {
			absent := "no value"
			if fixesArguments[function] {
				absent = "nil"
			}
			_, name, found := strings.Cut(function, ".")
			if !found {
				name = function
			}
			var calls []string
			var want []string
			try := func(position int, typ string, arguments []string, got string) {
				calls = append(calls, fmt.Sprintf("function() %s(%s) end", function, strings.Join(arguments, ", ")))
				want = append(want, fmt.Sprintf("false,init.script:1: bad argument #%d to '%s' (%s expected, got %s)",
					position, name, argumentTypes[typ].expected, got))
			}
			var good []string
			for i, typ := range types {
				if typ != "any" {
					before := good
					for len(before) > 0 && types[len(before)-1] == "any" {
						before = before[:len(before)-1] // absent too
					}
					if len(before) == len(good) {
						try(i+1, typ, good, absent)
					}
					for wrong, got := range argumentTypes[typ].wrong {
						try(i+1, typ, append(good[:i:i], wrong), got)
					}
				}
				good = append(good, argumentTypes[typ].good)
			}
			raises := scriptCase{script: "for _, call in ipairs({" + strings.Join(calls, ", ") + "}) do R(pcall(call)) end", sent: want}
			raises.run(t)
		})
	}
	if len(signatures()) < 75 {
		t.Errorf("only %d functions are defined", len(signatures()))
	}
}

// int is tried with C.umask, str with C.mkdir and C.open, a buffer with C.write; optional strings
// are in mountCases.
var coercionCases = []scriptCase{
	{name: "integers", script: `for _, v in ipairs({18, '18', ' 18 ', '0x12', '1.8e1', 18.9, -1, 2^32 + 18, -2^32 + 18, 2^31, 2^40, 0 / 0, 1e300, -1e300, 1 / 0}) do ` +
		`C.umask(v) S(C.umask(0)) end`,
		sent: []string{"18", "18", "18", "18", "18", "18", "511", "18", "18", "0", "0", "0", "0", "0", "0"}},
	{name: "fractions are cut towards zero", script: `R(C.makedev(0, 0.9), C.makedev(0, -0.9), major(-0.5))`, sent: []string{"0,0,0"}},
	{name: "integers are cut to 32 bits with their sign", script: `R(C.close(2^32 + C.dup('1'))) R(C.write(-2^32 + 1, 'x')) R(C.setpgid(2^32, 2^33)) errexit = false ` +
		`R(C.setpgid(0, 2^31)) R(C.setpgid(0, 2^32 - 1))`, sent: []string{"0,0", "1,0", "0,0", "-1,22", "-1,22"}, stdout: "x"},
	{name: "strings", script: `C.mkdir(42, mode(7, 0, 0)) C.mkdir(1.5, mode(7, 0, 0)) C.mkdir('nul\0x', mode(7, 0, 0)) C.mkdir('ä', mode(7, 0, 0))`,
		then: `ls -d 42 1.5 nul ä`, stdout: "1.5\n42\nnul\nä\n"},
	{name: "strings end at the first NUL byte", script: `R(C.open('/dev\0/x', C.O_RDONLY)) R(C.access('/etc\0/x', C.F_OK))`, sent: []string{"5,0", "0,0"}},
	{name: "buffers", script: `for _, v in ipairs({'a\0b', 42, 1.5, '', {}, true}) do R(C.write(1, v)) end`,
		sent: []string{"3,0", "2,0", "3,0", "0,0", "0,0", "0,0"}, stdout: "a\x00b421.5"},
	{name: "too many arguments", script: `R(C.chdir('/', {}, nil, 5)) R(mode(1, 1, 1, 'x')) R(C.access('/', 0, 0)) R(C.setpgid(0, 0, {}))`,
		sent: []string{"0,0", "73", "0,0", "0,0"}},
	{name: "H32 absent arguments of open", script: `S(select(2, pcall(function() C.open() end))) S(select(2, pcall(function() C.open('/') end)))`,
		sent: []string{`init.script:1: bad argument #1 to 'open' (string expected, got nil)`, `init.script:1: bad argument #2 to 'open' (number expected, got nil)`}},
	{name: "the third argument of open", script: `S(select(2, pcall(function() C.open('f', C.O_CREAT, {}) end))) R(C.open('/', C.O_RDONLY, nil))`,
		sent: []string{`init.script:1: bad argument #3 to 'open' (number expected, got table)`, "5,0"}},
	{name: "nothing is done before all arguments are checked", script: `pcall(C.mkdir, 'd') pcall(C.open, 'f', C.O_CREAT, {}) pcall(C.symlink, 'x') pcall(C.mknod, 'n', 0) ` +
		`pcall(C.link, '/etc/passwd')`, then: `ls`},
}

func TestCoercion(t *testing.T) { runCases(t, coercionCases) }
