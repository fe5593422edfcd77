package initscript_test

import (
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

var execCases = []scriptCase{
	{name: "H74 execve", script: `C.execve('/bin/sh', {'sh', '-c', 'echo $FOO $0 $1; env | grep -v -E "^(PWD|SHLVL|OLDPWD|_)="', 'zero', 'one'}, {FOO = 'bar'})`,
		stdout: "bar zero one\nFOO=bar\n"},
	{name: "H75 execve with an empty environment", script: `C.execve('/usr/bin/env', {'env'})`},
	{name: "execve instead of the program", script: `C.execve('/bin/echo', {'echo', 'script'})`, then: `echo program`, stdout: "script\n"},
	{name: "execve by PID 1", in: initscript.NewUser | initscript.NewPID, script: `C.execve('/bin/sh', {'sh', '-c', 'echo $$'})`, then: `echo program`,
		stdout: "1\n"},
	{name: "the status is that of what was executed", script: `C.execve('/bin/sh', {'sh', '-c', 'exit 3'})`, status: 3},
	{name: "the signal is that of what was executed", script: `C.execve('/bin/sh', {'sh', '-c', 'kill -USR1 $$'})`, signal: unix.SIGUSR1},
	// In Emilua what was printed is lost.
	{name: "what was printed comes before the output of what is executed", script: `print('first') C.execve('/bin/echo', {'echo', 'second'})`,
		stdout: "first\nsecond\n"},
	{name: "H76 descriptors", script: `C.open('/dev/null', C.O_RDONLY) C.open('/dev/null', C.O_CLOEXEC) C.execve('/bin/ls', {'ls', '/proc/self/fd'})`,
		stdout: "0\n1\n2\n3\n5\n"}, // 3 is the directory that ls reads
	{name: "signals are unblocked and at their defaults", script: `C.execve('/bin/sed', {'sed', '-n', '/^Sig[BIC]/p', '/proc/self/status'})`,
		stdout: "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n"},
	{name: "strings end at the first NUL byte", script: `C.execve('/bin/echo\0x', {'echo', 'a\0b', 'c'})`, stdout: "a c\n"},
	{name: "so do environment strings", script: `C.execve('/usr/bin/env', {'env'}, {B = 'd\0e'})`, stdout: "B=d\n"},
	{name: "an environment entry need not be sensible", script: `C.execve('/usr/bin/env', {'env'}, {['A=B'] = 'C'})`, stdout: "A=B=C\n"},
	{name: "the argument vector ends at the first hole", script: `C.execve('/bin/echo', {'echo', 'a', nil, 'b'})`, stdout: "a\n"},
	{name: "vectors are read raw", script: `local all = setmetatable({'echo', 'a'}, {__index = function() return 'b' end}) C.execve('/bin/echo', all, {})`,
		stdout: "a\n"},
	{name: "without arguments", script: `C.execve('/bin/sh', nil, nil)`},
	{name: "no argument is added", script: `C.execve('/usr/bin/env', nil, {A = 'b'})`, stdout: "A=b\n"},
	{name: "nor a variable", script: `C.execve('/usr/bin/env', {'env'}, nil)`, then: `echo program`},
	{name: "large vectors", script: `local argv, envp = {}, {} for i = 1, 20000 do argv[i] = 'x' .. i envp['k' .. i] = 'v' end ` +
		`argv[1], argv[2], argv[3] = 'sh', '-c', 'echo $# $k19999' C.execve('/bin/sh', argv, envp)`, stdout: "19996 v\n"},
	{name: "execve gives its memory back", set: memoryLimit(4 << 20), script: `local envp = {} for i = 1, 200 do envp['k' .. i] = ('v'):rep(1000) end ` +
		`errexit = false for i = 1, 100 do C.execve('/nonexistent', {'a'}, envp) end S('done')`, sent: []string{"done"}},
	{name: "execve may fail any number of times", script: `errexit = false for i = 1, 1000 do C.execve('/nonexistent', {'a'}) end S('done')`, sent: []string{"done"}},
	{name: "H79 fexecve", script: `local fd = C.open('/bin/true', C.O_RDONLY) C.fexecve(fd, {'true'}, {})`},
	{name: "fexecve with arguments", script: `local fd = C.open('/bin/sh', bit.bor(C.O_PATH, C.O_CLOEXEC)) C.fexecve(fd, {'sh', '-c', 'echo $0 $A'}, {A = 'b'})`,
		stdout: "sh b\n"},
}

var execFailures = []failureCase{
	{call: `C.execve('/nonexistent', {'a', 'b'}, {A = 'b'})`, errno: unix.ENOENT, report: `execve("/nonexistent", (table), (table))`},
	{name: "no vectors", call: `C.execve('/nonexistent')`, errno: unix.ENOENT, report: `execve("/nonexistent")`},
	{call: `C.execve('/', {'x'})`, errno: unix.EACCES, report: `execve("/", (table))`},
	{call: `C.execve('/bin/true', {('x'):rep(2^18)})`, errno: unix.E2BIG, report: `execve("/bin/true", (table))`},
	{call: `C.fexecve(99, {'x'}, {})`, errno: unix.EBADF, report: `fexecve(99, (table), (table))`},
	{call: `C.fexecve(0, {'x'})`, errno: unix.EACCES, report: `fexecve(0, (table))`},
}

var execDeaths = []deathCase{
	{call: `C.execve, '/x', 1`, part: "execve", report: `"/x", 1`},
	{call: `C.execve, '/x', 's'`, part: "execve", report: `"/x", "s"`},
	{call: `C.execve, '/x', {1}`, part: "execve", report: `"/x", (table)`},
	{call: `C.execve, '/x', {'a', true}`, part: "execve", report: `"/x", (table)`},
	{call: `C.execve, '/x', {}, 1`, part: "execve", report: `"/x", (table), 1`},
	{call: `C.execve, '/x', nil, {a = 1}`, part: "execve", report: `"/x", nil, (table)`},
	{call: `C.execve, '/x', {}, {'a'}`, part: "execve", report: `"/x", (table), (table)`},
	{call: `C.execve, '/x', {}, {a = true}`, part: "execve", report: `"/x", (table), (table)`},
	{name: "argv before envp", call: `C.execve, '/x', false, 1`, part: "execve", report: `"/x", false, 1`},
	{call: `C.fexecve, 0, {1}`, part: "fexecve", report: `0, (table)`},
	{call: `C.fexecve, 0, {}, {a = 1}`, part: "fexecve", report: `0, (table), (table)`},
}

// The path or descriptor is checked before the vectors, whose faults end the process.
var execRaises = []raiseCase{
	{`C.execve({}, 1, 1)`, `init.script:1: bad argument #1 to 'execve' (string expected, got table)`},
	{`C.execve(nil, 1)`, `init.script:1: bad argument #1 to 'execve' (string expected, got nil)`},
	{`C.fexecve('x', 1, 1)`, `init.script:1: bad argument #1 to 'fexecve' (number expected, got string)`},
}

func TestAPIExec(t *testing.T) {
	runCases(t, execCases)
	runFailures(t, execFailures)
	runDeaths(t, execDeaths)
	runRaises(t, execRaises)
}
