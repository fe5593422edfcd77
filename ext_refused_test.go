package initscript_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/definitions"
)

// noList is what is raised for a list of an extension that has a hole, or a key that is no index.
func noList(position int, function, what string) string {
	return badArgument(position, function, what+" is no list: it has a hole, or other keys")
}

func badArgument(position int, function, why string) string {
	return fmt.Sprintf("init.script:1: bad argument #%d to '%s' (%s)", position, function, why)
}

// Whatever a call of ours does not understand it refuses, where the kernel would get a part of it: no
// integer is a fraction or more than the C type has, and no path ends at a NUL byte.
func TestExtensionsRefuseWhatTheyWouldCut(t *testing.T) {
	wrong := map[string][]string{
		"int": {"0.5", "-0.5", "1 / 0", "0 / 0"},
		"str": {`'nosuch\0x'`, `'\0'`},
	}
	wide := []string{"2^32", "2^33 + 1", "-2^32"}
	numbers := definitions.AllNumbers(apiBlocks())
	for _, block := range apiBlocks() {
		function, types := block.Name, signatures()[block.Name]
		if !strings.HasPrefix(block.Origin(), "extension") || len(types) == 0 {
			continue
		}
		var calls, want []string
		try := func(i int, value string) {
			arguments := make([]string, len(types))
			for j, typ := range types {
				arguments[j] = argumentTypes[typ].good
				if typ == "int" {
					arguments[j] = "99" // no open descriptor: a call that is made by mistake does no harm
				}
			}
			arguments[i] = value
			calls = append(calls, fmt.Sprintf("function() %s(%s) end", function, strings.Join(arguments, ", ")))
			want = append(want, fmt.Sprintf("false,bad argument #%d to '%s' (", i+1, function[2:]))
		}
		for i, typ := range types {
			for _, value := range wrong[typ] {
				try(i, value)
			}
			if typ != "int" {
				continue
			}
			switch limits := numbers[block.Params[i].Alias]; {
			case limits.Max <= math.MaxUint32:
				for _, value := range wide {
					try(i, value)
				}
			case limits.Max < math.MaxInt64:
				try(i, fmt.Sprintf("2 * %d", limits.Max))
				try(i, fmt.Sprint(limits.Min-1))
			}
		}
		raises := scriptCase{script: "for _, call in ipairs({" + strings.Join(calls, ", ") +
			"}) do local good, text = pcall(call) R(good, text:match('bad argument .- %(')) end", sent: want}
		t.Run(function, raises.run)
	}
}

var extRefusals = []raiseCase{
	{`C.fchown(99, 2^32, 0)`,
		badArgument(2, "fchown", `4294967296 is not an integer from -1 to 4294967295`)},
	{`C.fchown(99, 0, -2)`,
		badArgument(3, "fchown", `-2 is not an integer from -1 to 4294967295`)},
	{`C.fchownat(99, 'f', -1, 1.5, 0)`,
		badArgument(4, "fchownat", `1.5 is not an integer from -1 to 4294967295`)},
	{`C.fchownat(99, 'f', -1, 1, 2^40)`,
		badArgument(5, "fchownat", `1099511627776 is not an integer from -2147483648 to 4294967295`)},
	{`C.unlink('a\0b')`,
		badArgument(1, "unlink", `"a" is followed by a NUL byte`)},
	{`C.symlinkat('a', C.AT_FDCWD, 'b\0')`,
		badArgument(3, "symlinkat", `"b" is followed by a NUL byte`)},
	{`C.setrlimit(C.RLIMIT_NOFILE, 10, 10.5)`,
		badArgument(3, "setrlimit", `10.5 is not an integer`)},

	// Bits that the kernel ignores.
	{`C.fchmod(99, 4096)`,
		badArgument(2, "fchmod", `4096 is not an integer from 0 to 4095`)},
	{`C.fchmodat(99, 'f', -1, 0)`,
		badArgument(3, "fchmodat", `-1 is not an integer from 0 to 4095`)},
	{`C.mkdirat(99, 'd', 1024)`,
		badArgument(3, "mkdirat", `1024 is not an integer from 0 to 1023`)},
	{`C.mknodat(99, 'd', 65536, 0)`,
		badArgument(3, "mknodat", `65536 is not an integer from 0 to 65535`)},
	{`C.mknodat(99, 'd', 0, -1)`,
		badArgument(4, "mknodat", `-1 is not an integer from 0 to 4294967295`)},
	{`C.fcntl(99, C.F_SETFD, C.O_CLOEXEC)`,
		badArgument(3, "fcntl", `524288 is not an integer from 0 to 1`)},
	{`C.fcntl(99, C.F_SETFL, C.O_CLOEXEC)`,
		badArgument(3, "fcntl", `524288 has flags that F_SETFL cannot set`)},
	{`C.fcntl(99, C.F_SETFL, -1)`,
		badArgument(3, "fcntl", `-1 is not an integer from 0 to 2147483647`)},

	// Without an argument the kernel would get a 0: no signal, no limit, not dumpable.
	{`C.prctl(C.PR_SET_PDEATHSIG)`,
		badArgument(2, "prctl", `number expected, got no value`)},
	{`C.prctl(C.PR_SET_DUMPABLE, nil)`,
		badArgument(2, "prctl", `number expected, got nil`)},
	{`C.prctl(C.PR_CAPBSET_DROP)`,
		badArgument(2, "prctl", `number expected, got no value`)},
	{`C.prctl(C.PR_SET_CHILD_SUBREAPER, 2)`,
		badArgument(2, "prctl", `2 is not an integer from 0 to 1`)},
	{`C.prctl(C.PR_SET_THP_DISABLE, 2)`,
		badArgument(2, "prctl", `2 is not an integer from 0 to 1`)},
	{`C.prctl(C.PR_SET_TIMERSLACK, -1)`,
		badArgument(2, "prctl", `-1 is not an integer from 0 to 9.007199254741e+15`)},
	{`C.prctl(C.PR_SET_PDEATHSIG, 9, 1)`,
		badArgument(3, "prctl", `1 is not an integer from 0 to 0`)},
	{`C.prctl(C.PR_GET_DUMPABLE, 1)`,
		badArgument(2, "prctl", `1 is not an integer from 0 to 0`)},
}

func TestExtensionRefusals(t *testing.T) { runRaises(t, extRefusals) }
