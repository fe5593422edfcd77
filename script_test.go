package initscript_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// The tables of this file and of api_*_test.go have the cases that were written down when Emilua's
// behaviour was studied: a name that begins with "H3" is number 3 of them. TestEveryNumberedCaseIsThere
// knows which are about init scripts on Linux.

// scriptCase is one row of a table: a script, and everything that comes of it.
type scriptCase struct {
	name   string
	script string // after the prelude, on the same line
	as     privilege
	in     initscript.Namespaces             // where the script is root of a user namespace
	set    func(*testing.T, *initscript.Cmd) // changes the Cmd
	peer   *peer
	then   string // shell commands that run after the script

	sent   []string // the messages of S and R
	stdout string
	stderr string
	files  map[string]string       // what files in the working directory contain afterwards
	err    *initscript.ScriptError // nil: success
	status int                     // of a process that ends neither with 0 nor with err
	exits  bool                    // the script ends the process in place of the program
	signal syscall.Signal          // which ends the process although err is another failure
}

// prelude is what every script of a table can call, beside S: R(...) sends the text of all its
// arguments, so that it also shows how many results a call has; status(key) is a line of
// /proc/self/status.
const prelude = `local function R(...) ` +
	`local r = {...} for i = 1, select('#', ...) do r[i] = tostring(r[i]) end S(table.concat(r, ',')) end ` +
	`local function status(key) local f = io.open('/proc/self/status') local text = f:read('*a') f:close() ` +
	`return text:match('\n' .. key .. ':%s*([^\n]*)') end `

// privilege says who runs a row.
type privilege int

const (
	anybody      privilege = iota
	ordinaryUser           // the script of root becomes one first
	privileged             // root, outside of user namespaces
)

// What a row tries must be harmless for the machine even when what should prevent it is broken: it
// is checked first.
const (
	dropPrivileges = `C.setgroups({}) C.setresgid(1000, 1000, 1000) C.setresuid(1000, 1000, 1000) ` +
		`assert(status('Uid') == '1000\t1000\t1000\t1000' and status('CapEff') == '0000000000000000') `
	checkUserNamespace = `do local f = io.open('/proc/self/uid_map') assert(not f:read('*a'):find('4294967295')) f:close() end `
)

// peer is a socket pair whose one end is descriptor 5 in the script.
type peer struct {
	kind     int                   // SOCK_SEQPACKET if not given
	set      func(*testing.T, int) // for the script's end
	queued   []message             // what the script finds there
	hangUp   bool                  // no other end any more
	received []message             // what the script leaves for the other end
}

// message is some bytes with descriptors.
type message struct {
	data string
	fds  int
}

// The beginnings and endings of texts on stderr.
const (
	initPrefix  = "<3>ipc_actor/init"
	inMainChunk = "stack traceback:\n\tinit.script:1: in main chunk\n"
	outOfMemory = initPrefix + "/alloc: Cannot allocate memory\n"
)

// strerror has the texts of strerror(3) in the C locale.
var strerror = map[syscall.Errno]string{
	unix.EPERM:        "Operation not permitted",
	unix.ENOENT:       "No such file or directory",
	unix.E2BIG:        "Argument list too long",
	unix.EBADF:        "Bad file descriptor",
	unix.EACCES:       "Permission denied",
	unix.EFAULT:       "Bad address",
	unix.EBUSY:        "Device or resource busy",
	unix.EEXIST:       "File exists",
	unix.ENODEV:       "No such device",
	unix.ENOTDIR:      "Not a directory",
	unix.EISDIR:       "Is a directory",
	unix.EINVAL:       "Invalid argument",
	unix.EDOM:         "Numerical argument out of domain",
	unix.EPIPE:        "Broken pipe",
	unix.EROFS:        "Read-only file system",
	unix.ENAMETOOLONG: "File name too long",
	unix.ENOMSG:       "No message of desired type",
	unix.EBADFD:       "File descriptor in bad state",
	unix.ENOTSOCK:     "Socket operation on non-socket",
	unix.EAFNOSUPPORT: "Address family not supported by protocol",
}

// callFailed is the error of a call that failed on line 1.
func callFailed(function string, errno syscall.Errno, args ...string) *initscript.ScriptError {
	return &initscript.ScriptError{Func: function, Args: args, Errno: errno, Line: 1}
}

// luaError is a Lua error that was raised on line 1.
func luaError(message string) *initscript.ScriptError {
	return &initscript.ScriptError{Message: message, Line: 1}
}

func killed(signal syscall.Signal) *initscript.ScriptError {
	return &initscript.ScriptError{Signal: signal}
}

var memoryExhausted = &initscript.ScriptError{Message: "the script's memory limit is exhausted", Errno: unix.ENOMEM}

func (c *scriptCase) run(t *testing.T) {
	t.Helper()
	script := prelude
	directory := openDirectory(t)
	options := []func(*initscript.Cmd){func(cmd *initscript.Cmd) { cmd.Dir = directory }}
	switch {
	case c.as == privileged:
		requireRoot(t)
	case c.as == ordinaryUser && os.Geteuid() == 0:
		script += dropPrivileges
	}
	if c.in != 0 {
		requireUserNamespaces(t)
		script += checkUserNamespace
		options = append(options, inUserNamespace(c.in))
	}
	if c.then != "" {
		options = append(options, withProgram("/bin/sh", "-c", c.then))
	}
	check := func() {}
	if c.peer != nil {
		end, checkPeer := c.peer.connect(t)
		check = checkPeer
		options = append(options, func(cmd *initscript.Cmd) { cmd.ExtraFiles = []*os.File{end} })
	}
	if c.set != nil {
		options = append(options, func(cmd *initscript.Cmd) { c.set(t, cmd) })
	}
	r := runScript(t, script+c.script, options...)
	c.check(t, r)
	check()
	for name, want := range c.files {
		if got, err := os.ReadFile(filepath.Join(directory, name)); err != nil || string(got) != want {
			t.Errorf("the file %s contains %q (%v), want %q", name, got, err, want)
		}
	}
}

func (c *scriptCase) check(t *testing.T, r scriptResult) {
	t.Helper()
	if !equalStrings(r.Sent, c.sent) {
		t.Errorf("sent %q, want %q", r.Sent, c.sent)
	}
	if r.Stdout != c.stdout {
		t.Errorf("stdout %q, want %q", r.Stdout, c.stdout)
	}
	if r.Stderr != c.stderr {
		t.Errorf("stderr %q, want %q", r.Stderr, c.stderr)
	}
	status, signal := c.status, c.signal
	var exit *initscript.ExitError
	var failure *initscript.ScriptError
	switch {
	case c.exits:
		if !errors.As(r.Err, &failure) || failure.Exited == nil || failure.Exited.ExitCode() != status {
			t.Errorf("error %v, want the script's own end with status %d", r.Err, status)
		}
	case c.err != nil:
		checkScriptError(t, r.Err, c.err)
		status = 1
		if c.err.Signal != 0 {
			signal = c.err.Signal
		}
	case status != 0 || signal != 0:
		if !errors.As(r.Err, &exit) {
			t.Errorf("error %v, want an *ExitError", r.Err)
		}
	case r.Err != nil:
		t.Errorf("error %v", r.Err)
	}
	if signal != 0 {
		status = -1
	}
	if r.State.ExitCode() != status || r.State.Signal() != signal {
		t.Errorf("the process ended with %v", r.State)
	}
	// The same traceback, where one is on stderr.
	var scriptError *initscript.ScriptError
	if _, traceback, found := strings.Cut(r.Stderr, "stack traceback:\n"); found && errors.As(r.Err, &scriptError) {
		if got := scriptError.Traceback; got+"\n" != "stack traceback:\n"+traceback {
			t.Errorf("the error has the traceback %q", got)
		}
	}
}

func checkScriptError(t *testing.T, err error, want *initscript.ScriptError) {
	t.Helper()
	var got *initscript.ScriptError
	if !errors.As(err, &got) {
		t.Errorf("error %v, want a *ScriptError", err)
		return
	}
	if want.Errno != 0 && !errors.Is(err, want.Errno) {
		t.Errorf("error %v is not %v", err, want.Errno)
	}
	if want.Func != "" && !strings.HasPrefix(got.Traceback, "stack traceback:\n\t") {
		t.Errorf("traceback of the failed call: %q", got.Traceback)
	}
	g, w := *got, *want
	g.Traceback, w.Traceback = "", ""
	g.Hint, w.Hint = "", "" // TestHints
	if w.ScriptName == "" {
		w.ScriptName = "init.script"
	}
	if len(g.Args) == 0 && len(w.Args) == 0 {
		g.Args, w.Args = nil, nil
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("error %+v, want %+v", g, w)
	}
}

func equalStrings(a, b []string) bool {
	return len(a) == len(b) && (len(a) == 0 || reflect.DeepEqual(a, b))
}

// openDirectory makes a directory for the test in which every user may write.
func openDirectory(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	must(t, os.Chmod(directory, 0o777))
	return directory
}

// connect makes the socket pair and returns the script's end of it, and what to call when the
// script has ended.
func (p *peer) connect(t *testing.T) (*os.File, func()) {
	t.Helper()
	kind := p.kind
	if kind == 0 {
		kind = unix.SOCK_SEQPACKET
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	end := os.NewFile(uintptr(pair[0]), "script's end")
	t.Cleanup(func() { end.Close() })
	if p.set != nil {
		p.set(t, pair[0])
	}
	for _, m := range p.queued {
		sendTo(t, pair[1], m)
	}
	if p.hangUp {
		must(t, unix.Close(pair[1]))
		return end, func() {}
	}
	t.Cleanup(func() { unix.Close(pair[1]) })
	return end, func() {
		for _, want := range p.received {
			if got := receiveFrom(t, pair[1]); got != want {
				t.Errorf("the peer received %+v, want %+v", got, want)
			}
		}
		if n, _, _, _, err := unix.Recvmsg(pair[1], make([]byte, 1), nil, unix.MSG_DONTWAIT); err != unix.EAGAIN {
			t.Errorf("one more message for the peer: %d bytes, %v", n, err)
		}
	}
}

func sendTo(t *testing.T, socket int, m message) {
	t.Helper()
	null, err := os.Open(os.DevNull)
	must(t, err)
	defer null.Close()
	var rights []byte
	if m.fds > 0 {
		fds := make([]int, m.fds)
		for i := range fds {
			fds[i] = int(null.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	must(t, unix.Sendmsg(socket, []byte(m.data), rights, nil, 0))
}

func receiveFrom(t *testing.T, socket int) message {
	t.Helper()
	data, rights := make([]byte, 1<<10), make([]byte, 1<<10)
	n, rightsLength, _, _, err := unix.Recvmsg(socket, data, rights, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		t.Errorf("the peer received nothing: %v", err)
		return message{}
	}
	received := message{data: string(data[:n])}
	messages, err := unix.ParseSocketControlMessage(rights[:rightsLength])
	must(t, err)
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		must(t, err)
		received.fds += len(fds)
		for _, fd := range fds {
			unix.Close(fd)
		}
	}
	return received
}

// failureCase is a call that fails. It is tried twice: with errexit it ends the process, without
// it returns.
type failureCase struct {
	name    string // what it is about, where call does not say it
	before  string // precedes the call
	call    string
	errno   syscall.Errno
	report  string // the call as *ScriptError has it
	results string // without errexit; "-1,ERRNO" if not given
	as      privilege
	in      initscript.Namespaces
	peer    *peer
}

// function returns the name of what is called.
func (c *failureCase) function() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(c.call, "C."), "(")
	return name
}

// text is what appears on stderr: Emilua's helpers say less than the functions of table C.
func (c *failureCase) text() string {
	prefix, traceback := initPrefix, ""
	switch {
	case strings.HasPrefix(c.call, "C."):
		prefix, traceback = initPrefix+"/"+c.function(), inMainChunk
	case c.function() == "write_all":
		prefix = initPrefix + "/write_all"
	}
	return prefix + ": " + strerror[c.errno] + "\n" + traceback
}

func (c *failureCase) run(t *testing.T) {
	t.Helper()
	c.requireNoFilterOn(t)
	function, args, _ := strings.Cut(strings.TrimSuffix(c.report, ")"), "(")
	fails := scriptCase{
		script: c.before + " " + c.call, as: c.as, in: c.in, peer: c.peer,
		stderr: c.text(),
		err:    callFailed(function, c.errno),
	}
	if args != "" {
		fails.err.Args = strings.Split(args, ", ")
	}
	fails.run(t)

	results := c.results
	if results == "" {
		results = fmt.Sprintf("-1,%d", c.errno)
	}
	returns := scriptCase{
		script: c.before + " errexit = false R(" + c.call + ") S('goes on')", as: c.as, in: c.in, peer: c.peer,
		sent: []string{results, "goes on"},
	}
	returns.run(t)
}

// deathCase is a call that ends the process whatever errexit says and whatever calls it, without
// a traceback on stderr.
type deathCase struct {
	name   string
	call   string // function, arguments...: what follows "pcall("
	part   string // what the message calls it
	report string // its arguments as *ScriptError has them
}

func (c *deathCase) run(t *testing.T) {
	t.Helper()
	function, _, _ := strings.Cut(c.part, "/")
	dies := scriptCase{
		script: "errexit = false pcall(" + c.call + ") S('goes on')",
		stderr: initPrefix + "/" + c.part + ": Invalid argument\n",
		err:    callFailed(function, unix.EINVAL),
	}
	if c.report != "" {
		dies.err.Args = strings.Split(c.report, ", ")
	}
	dies.run(t)
}

// raiseCase is a call that raises a Lua error: one that can be caught, whatever errexit says.
type raiseCase struct {
	call    string
	message string
}

func (c *raiseCase) run(t *testing.T) {
	t.Helper()
	raises := scriptCase{
		script: "for _, value in ipairs({true, false}) do errexit = value R(pcall(function() " + c.call + " end)) end",
		sent:   []string{"false," + c.message, "false," + c.message},
	}
	raises.run(t)
}

func runCases(t *testing.T, cases []scriptCase) {
	for _, c := range cases {
		t.Run(c.name, c.run)
	}
}

func runFailures(t *testing.T, cases []failureCase) {
	for _, c := range cases {
		t.Run(strings.TrimSpace("failure of "+c.call+" "+c.name), c.run)
	}
}

func runDeaths(t *testing.T, cases []deathCase) {
	for _, c := range cases {
		t.Run("death by "+c.call, c.run)
	}
}

func runRaises(t *testing.T, cases []raiseCase) {
	for _, c := range cases {
		t.Run("error of "+c.call, c.run)
	}
}

// luaLiteral writes bytes as a string of Lua source.
func luaLiteral(b []byte) string {
	var literal bytes.Buffer
	literal.WriteByte('\'')
	for _, c := range b {
		fmt.Fprintf(&literal, `\%03d`, c)
	}
	literal.WriteByte('\'')
	return literal.String()
}

var caseNumber = regexp.MustCompile(`\bH(\d+)\b`)

var lifecycleCases = []scriptCase{
	// The Lua state
	{name: "H1 arg", script: `C.write(arg, type(arg) .. arg)`, sent: []string{"number4"}},
	{name: "H2 no arg", script: `io.stderr:write(tostring(arg), ' ', (C.open('/dev/null', C.O_RDONLY)))`, set: withoutArg, stderr: "nil 4"},
	{name: "globals at the start", script: `R(errexit, type(C), type(mode), type(write_all), type(receive_with_fd), type(send_with_fd), type(set_no_new_privs), ` +
		`type(bind_unix), type(major), type(minor))`, sent: []string{"true,table" + strings.Repeat(",function", 8)}},
	{name: "globals are the script's", script: `C, mode, arg, errexit = 1, nil, nil, {} write_all(4, C .. tostring(mode))`, sent: []string{"1nil"}},
	{name: "all standard libraries", script: `for _, name in ipairs({'coroutine', 'package', 'table', 'io', 'os', 'string', 'math', 'debug', 'bit', 'jit'}) do ` +
		`assert(type(_G[name]) == 'table' and package.loaded[name] == _G[name], name) end R(type(require('ffi')), type(pcall), type(unsafe_pcall), bit.bor(1, 2))`,
		sent: []string{"table,function,nil,3"}},
	{name: "the script has no arguments and its results do not matter", script: `R(select('#', ...)) do return nil, 'error' end`, sent: []string{"0"}},
	{name: "yield at top level", script: `coroutine.yield()`,
		stderr: initPrefix + "/script: init.script:1: attempt to yield across C-call boundary\n", err: luaError("init.script:1: attempt to yield across C-call boundary")},
	{name: "yield in a coroutine", script: `local resume = coroutine.wrap(function() coroutine.yield(1) return 2 end) R(resume()) R(resume())`, sent: []string{"1", "2"}},
	{name: "H80 the script sees no environment", script: `S(tostring(os.getenv('PATH')))`, set: func(_ *testing.T, cmd *initscript.Cmd) { cmd.Env = []string{"PATH=/bin", "A=b"} },
		sent: []string{"nil"}, then: `echo $PATH $A`, stdout: "/bin b\n"},
	// On in Emilua: then pages are mapped that are executable and were writable.
	{name: "the JIT compiler is off until it is wanted", script: `R((jit.status())) jit.on() R((jit.status())) local n = 0 for i = 1, 1e5 do n = n + i end R(n)`,
		sent: []string{"false", "true", "5000050000"}},
	{name: "no signal is blocked, ignored or caught", script: `R(status('SigBlk'), status('SigIgn'), status('SigCgt'))`,
		sent: []string{"0000000000000000,0000000000000000,0000000000000000"}},
	{name: "H86 the script is PID 1, the program is not", in: initscript.NewUser | initscript.NewPID,
		script: `local f = require'ffi' f.cdef'int getpid(void);' S(f.C.getpid())`, sent: []string{"1"}, then: `echo $$`, stdout: "2\n"},

	// Memory: Emilua has 1 MiB and no garbage collection.
	{name: "memory is exhausted", script: `local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end`, set: memoryLimit(1 << 20),
		stderr: outOfMemory, err: memoryExhausted},
	{name: "memory is exhausted, protected", script: `errexit = false pcall(string.rep, 'x', 2^20) S('alive')`, set: memoryLimit(1 << 20),
		stderr: outOfMemory, err: memoryExhausted},
	{name: "64 MiB are enough by default", script: `R(#('x'):rep(2^24))`, sent: []string{"16777216"}},
	{name: "64 MiB are all by default", script: `local x = ('x'):rep(2^26)`, stderr: outOfMemory, err: memoryExhausted},
	{name: "garbage is collected", script: `for i = 1, 3e5 do local t = {i, tostring(i)} end S('done')`, set: memoryLimit(1 << 20), sent: []string{"done"}},
	{name: "H24 functions in a hot loop", script: `for i = 1, 1e6 do local f = C.read end S('done')`, set: memoryLimit(1 << 20), sent: []string{"done"}},
	{name: "H25 constants in a hot loop", script: `local r = C.O_RDONLY for i = 1, 1e5 do r = C.O_RDWR end S(r)`, set: memoryLimit(1 << 20), sent: []string{"2"}},
	{name: "constants allocate nothing", script: `local r collectgarbage() collectgarbage('stop') local before = collectgarbage('count') ` +
		`for i = 1, 1e5 do r = C.O_RDWR end S(collectgarbage('count') - before < 1)`, sent: []string{"true"}},
	{name: "calls in a hot loop", script: `local zero = C.open('/dev/zero', C.O_RDONLY) for i = 1, 1e5 do C.read(zero, 10) end S('done')`, set: memoryLimit(1 << 20),
		sent: []string{"done"}},

	// Errors
	{name: "H13 not Lua", script: `x = = 1`, stderr: "Failed to load Lua chunk: init.script:1: unexpected symbol near '='\n",
		err: luaError("init.script:1: unexpected symbol near '='")},
	{name: "not Lua on another line", script: "\n\nlocal function", stderr: "Failed to load Lua chunk: init.script:3: '<name>' expected near '<eof>'\n",
		err: &initscript.ScriptError{Message: "init.script:3: '<name>' expected near '<eof>'", Line: 3}},
	{name: "the name of the script", script: `chdir()`, set: func(_ *testing.T, cmd *initscript.Cmd) { cmd.ScriptName = "box.lua" },
		stderr: initPrefix + "/script: box.lua:1: attempt to call global 'chdir' (a nil value)\n",
		err:    &initscript.ScriptError{ScriptName: "box.lua", Message: "box.lua:1: attempt to call global 'chdir' (a nil value)", Line: 1}},
	{name: "H14 error", script: `error('boom')`, stderr: initPrefix + "/script: init.script:1: boom\n", err: luaError("init.script:1: boom")},
	{name: "error on another line", script: "\nlocal function f()\nerror('boom') end f()", stderr: initPrefix + "/script: init.script:3: boom\n",
		err: &initscript.ScriptError{Message: "init.script:3: boom", Line: 3}},
	{name: "H15 error without a position", script: `error('boom', 0)`, stderr: initPrefix + "/script: boom\n", err: &initscript.ScriptError{Message: "boom", Line: 1}},
	{name: "error without a position on another line", script: "\nerror('boom', 0)", stderr: initPrefix + "/script: boom\n", err: &initscript.ScriptError{Message: "boom", Line: 2}},
	{name: "error without a position that seems to have one", script: `error('host:80: refused', 0)`, stderr: initPrefix + "/script: host:80: refused\n",
		err: luaError("host:80: refused")},
	{name: "error with the caller's position", script: "\nlocal function f()\nerror('boom', 2) end\nf()", stderr: initPrefix + "/script: init.script:4: boom\n",
		err: &initscript.ScriptError{Message: "init.script:4: boom", Line: 4}},
	{name: "error in another chunk", script: "\nloadstring('\\n\\n\\nerror(\"boom\")', '@other.lua')()", stderr: initPrefix + "/script: other.lua:4: boom\n",
		err: &initscript.ScriptError{Message: "other.lua:4: boom", Line: 2}},
	{name: "a message of Landlock without a position", script: "\nC.landlock_create_ruleset({x = 1})", stderr: initPrefix + "/script: invalid ruleset attr\n",
		err: &initscript.ScriptError{Message: "invalid ruleset attr", Line: 2}},
	// Emilua says nothing about errors that are no strings.
	{name: "H16 error with a table", script: `error({})`, stderr: initPrefix + "/script: (error object is a table value)\n",
		err: &initscript.ScriptError{Message: "(error object is a table value)", Line: 1}},
	{name: "H16 error with nothing", script: `error()`, stderr: initPrefix + "/script: (error object is a nil value)\n",
		err: &initscript.ScriptError{Message: "(error object is a nil value)", Line: 1}},
	{name: "H16 error with a number", script: `error(42, 0)`, stderr: initPrefix + "/script: 42\n", err: &initscript.ScriptError{Message: "42", Line: 1}},
	{name: "error with a number and a position", script: `error(42)`, stderr: initPrefix + "/script: init.script:1: 42\n", err: luaError("init.script:1: 42")},
	{name: "error with an object", script: `error(setmetatable({}, {__tostring = function() return 'boom' end}))`, stderr: initPrefix + "/script: boom\n",
		err: &initscript.ScriptError{Message: "boom", Line: 1}},
	{name: "error in a coroutine", script: `coroutine.wrap(function() error('boom', 0) end)()`, stderr: initPrefix + "/script: init.script:1: boom\n",
		err: luaError("init.script:1: boom")}, // wrap() adds the position
	{name: "a caught error", script: `R(pcall(error, 'boom', 0)) R(xpcall(error, function(e) return e .. '!' end, 'boom', 0))`, sent: []string{"false,boom", "false,boom!"}},

	// The end
	{name: "H18 os.exit", script: `os.exit(7)`, then: `echo program`, status: 7, exits: true},
	{name: "os.exit with success is the end too", script: `os.exit(0)`, then: `echo program`, exits: true},
	{name: "H19 an empty script does nothing", set: func(_ *testing.T, cmd *initscript.Cmd) { cmd.Script = "" }, // Emilua fails
		then: `echo program`, stdout: "program\n"},
	{name: "H20 a script of 213000 bytes", script: "--" + strings.Repeat("x", 213_000) + "\nS('ok')", sent: []string{"ok"}}, // Emilua fails
	{name: "H21 a script of 212000 bytes", script: "--" + strings.Repeat("x", 211_900) + "\nS('ok')", sent: []string{"ok"}},
	{name: "a failed script runs no program", script: `error('boom', 0)`, then: `echo program`, stderr: initPrefix + "/script: boom\n",
		err: &initscript.ScriptError{Message: "boom", Line: 1}},

	// Output that waits in a buffer: Emilua loses that of print in most cases.
	{name: "print, then the end", script: `print('printed')`, stdout: "printed\n"},
	{name: "print, then the program", script: `print('printed') io.write('written\n')`, then: `echo program`, stdout: "printed\nwritten\nprogram\n"},
	{name: "print, then PID 1 and the program", in: initscript.NewUser | initscript.NewPID, script: `print('printed')`, then: `echo program`, stdout: "printed\nprogram\n"},
	{name: "print, then errexit", script: `print('printed') C.chdir('/nonexistent')`, stdout: "printed\n",
		stderr: initPrefix + "/chdir: No such file or directory\n" + inMainChunk, err: callFailed("chdir", unix.ENOENT, `"/nonexistent"`)},
	{name: "print, then error", script: `print('printed') error('boom', 0)`, stdout: "printed\n", stderr: initPrefix + "/script: boom\n",
		err: &initscript.ScriptError{Message: "boom", Line: 1}},
	{name: "print, then os.exit", script: `print('printed') os.exit(7)`, stdout: "printed\n", status: 7},
	// Descriptors are closed before finalizers run.
	{name: "H82 a file that is not closed, then the end", script: `local f = io.open('f', 'w') f:write('x')`, files: map[string]string{"f": ""}},
	{name: "H82 a file that is not closed, then error", script: `local f = io.open('f', 'w') f:write('x') error('boom', 0)`, files: map[string]string{"f": "x"},
		stderr: initPrefix + "/script: boom\n", err: &initscript.ScriptError{Message: "boom", Line: 1}},
	{name: "a file that is not closed, then errexit", script: `local f = io.open('f', 'w') f:write('x') C.chdir('/nonexistent')`, files: map[string]string{"f": "x"},
		stderr: initPrefix + "/chdir: No such file or directory\n" + inMainChunk, err: callFailed("chdir", unix.ENOENT, `"/nonexistent"`)},
	{name: "a file that is not closed, then os.exit", script: `local f = io.open('f', 'w') f:write('x') os.exit(7)`, files: map[string]string{"f": "x"}, status: 7},
}

func withoutArg(_ *testing.T, cmd *initscript.Cmd) { cmd.Arg = nil }

func TestLifecycle(t *testing.T) { runCases(t, lifecycleCases) }

// Emilua takes it (H22).
func TestByteCodeIsRefused(t *testing.T) {
	r := runScript(t, `S(string.dump(loadstring("S('bc')")))`)
	if r.Err != nil || len(r.Sent) != 1 {
		t.Fatalf("%+v", r)
	}
	var fieldError *initscript.FieldError
	if err := newCmd(t, r.Sent[0]).Start(); !errors.As(err, &fieldError) || fieldError.Field != "Script" {
		t.Errorf("start: %v", err)
	}
	const message = "attempt to load chunk with wrong mode"
	refused := scriptCase{
		set:    func(_ *testing.T, cmd *initscript.Cmd) { cmd.Script = "\x1bLJ\x02\x02" },
		stderr: "Failed to load Lua chunk: " + message + "\n", err: &initscript.ScriptError{Message: message},
	}
	refused.run(t)
}

// The script has the id maps written (H89) by who holds the other end of arg.
func TestIDMapHandshake(t *testing.T) {
	requireUserNamespaces(t)
	host, arg := socketpair(t)
	cmd := newCmd(t, `
		C.write(C.open('/proc/self/setgroups', C.O_WRONLY), 'deny')
		for _, map in ipairs({'uid_map', 'gid_map'}) do send_with_fd(arg, map, C.open('/proc/self/' .. map, C.O_WRONLY)) end
		assert(C.read(arg, 1) == '.')`, "/bin/sh", "-c", "id -u; id -g")
	cmd.Namespaces, cmd.Arg = initscript.NewUser, arg
	var stdout strings.Builder
	cmd.Stdout = &stdout
	must(t, cmd.Start())
	arg.Close()
	for _, id := range []int{os.Geteuid(), os.Getegid()} {
		data, rights := make([]byte, 16), make([]byte, unix.CmsgSpace(4))
		_, rightsLength, _, _, err := unix.Recvmsg(int(host.Fd()), data, rights, unix.MSG_CMSG_CLOEXEC)
		must(t, err)
		messages, err := unix.ParseSocketControlMessage(rights[:rightsLength])
		if err != nil || len(messages) != 1 {
			t.Fatalf("no descriptor came: %v", err)
		}
		fds, err := unix.ParseUnixRights(&messages[0])
		must(t, err)
		_, err = unix.Write(fds[0], fmt.Appendf(nil, "0 %d 1\n", id))
		must(t, errors.Join(err, unix.Close(fds[0])))
	}
	_, err := unix.Write(int(host.Fd()), []byte{'.'})
	must(t, err)
	must(t, cmd.Wait())
	if stdout.String() != "0\n0\n" {
		t.Errorf("ids: %q", stdout.String())
	}
}

// chdirFails is what errexit says of C.chdir('/nonexistent'), before the traceback.
const chdirFails = initPrefix + "/chdir: No such file or directory\nstack traceback:\n"

var chdirFailed = callFailed("chdir", unix.ENOENT, `"/nonexistent"`)

// dies is a case of C.chdir('/nonexistent') with errexit in force.
func dies(name, script, traceback string) scriptCase {
	return scriptCase{name: name, script: script, stderr: chdirFails + traceback, err: chdirFailed}
}

// survives is a case where that call returns its failure.
func survives(name, script string) scriptCase {
	return scriptCase{name: name, script: script, sent: []string{"-1,2"}}
}

const (
	inMain  = "\tinit.script:1: in main chunk\n"
	inPcall = "\t[C]: in function 'pcall'\n"
)

var errexitCases = []scriptCase{
	// H3 and H5 are in ioFailures.
	dies("H4 pcall does not protect", `pcall(C.chdir, '/nonexistent') S('alive')`, inPcall+inMain),
	dies("pcall of a function does not protect", `pcall(function() C.chdir('/nonexistent') end) S('alive')`,
		"\tinit.script:1: in function <init.script:1>\n"+inPcall+inMain),
	dies("xpcall does not protect", `xpcall(function() C.chdir('/nonexistent') end, function() S('handled') end) S('alive')`,
		"\tinit.script:1: in function <init.script:1>\n\t[C]: in function 'xpcall'\n"+inMain),
	dies("a coroutine does not protect, and has its own traceback", `coroutine.wrap(function() C.chdir('/nonexistent') end)() S('alive')`,
		"\tinit.script:1: in function <init.script:1>\n"),
	{name: "the traceback and the line are those of the call", script: "\nlocal function inner()\n\tC.chdir('/nonexistent')\nend\nlocal function outer()\n\tinner() return 1\nend\nouter()",
		stderr: chdirFails + "\tinit.script:3: in function 'inner'\n\tinit.script:6: in function 'outer'\n\tinit.script:8: in main chunk\n",
		err:    &initscript.ScriptError{Func: "chdir", Args: []string{`"/nonexistent"`}, Errno: unix.ENOENT, Line: 3}},
	{name: "a call in another chunk is on the line of the script that leads there", script: "\nloadstring('\\n\\n\\nC.chdir(\"/nonexistent\")', '@other.lua')()",
		stderr: chdirFails + "\tother.lua:4: in main chunk\n\tinit.script:2: in main chunk\n",
		err:    &initscript.ScriptError{Func: "chdir", Args: []string{`"/nonexistent"`}, Errno: unix.ENOENT, Line: 2}},
	{name: "the traceback has the script's name", script: `C.chdir('/nonexistent')`, set: func(_ *testing.T, cmd *initscript.Cmd) { cmd.ScriptName = "box.lua" },
		stderr: chdirFails + "\tbox.lua:1: in main chunk\n",
		err:    &initscript.ScriptError{ScriptName: "box.lua", Func: "chdir", Args: []string{`"/nonexistent"`}, Errno: unix.ENOENT, Line: 1}},
	survives("errexit = false", `errexit = false R(C.chdir('/nonexistent'))`),
	survives("H7 errexit = nil", `errexit = nil R(C.chdir('/nonexistent'))`),
	dies("0 is true", `errexit = 0 C.chdir('/nonexistent') S('alive')`, inMain),
	dies("the empty string is true", `errexit = '' C.chdir('/nonexistent') S('alive')`, inMain),
	dies("a table is true", `errexit = {} C.chdir('/nonexistent') S('alive')`, inMain),
	{name: "H8 errexit is looked up at each failure", script: "errexit = false C.chdir('/nonexistent') S('alive') errexit = true\nC.chdir('/nonexistent')",
		sent: []string{"alive"}, stderr: chdirFails + "\tinit.script:2: in main chunk\n",
		err: &initscript.ScriptError{Func: "chdir", Args: []string{`"/nonexistent"`}, Errno: unix.ENOENT, Line: 2}},
	{name: "errexit is looked up at failures only", script: `errexit = nil setmetatable(_G, {__index = function(_, k) if k == 'errexit' then S('looked up') end end}) ` +
		`C.chdir('/') R(C.chdir('/nonexistent'))`, sent: []string{"looked up", "-1,2"}},
	dies("a local errexit is none", `local errexit = false C.chdir('/nonexistent')`, inMain),
	dies("an __index of the globals counts", `errexit = nil setmetatable(_G, {__index = {errexit = true}}) C.chdir('/nonexistent')`, inMain),
	survives("an __index of the globals that says false", `errexit = nil setmetatable(_G, {__index = function() return false end}) R(C.chdir('/nonexistent'))`),
	{name: "errno is that of the call, whatever looks errexit up", script: `errexit = nil setmetatable(_G, {__index = function(_, key) if key == 'errexit' then io.open('/nonexistent') end end}) ` +
		`for _, call in ipairs({function() return C.dup(99) end, function() return C.read(99, 1) end, function() return write_all(99, 'x') end, ` +
		`function() return receive_with_fd(99, 1) end, function() return C.fexecve(99, {'x'}) end, function() return C.socketpair(-1, 1, 0) end}) do R(call()) end`,
		sent: []string{"-1,9", "nil,9", "0,9", "nil,-1,9", "-1,9", "-1,-1,97"}},
	{name: "an __index of the globals can raise", script: `errexit = nil setmetatable(_G, {__index = function() error('boom', 0) end}) R(pcall(C.chdir, '/nonexistent')) ` +
		`C.read(99, 1)`, sent: []string{"false,boom"}, stderr: initPrefix + "/script: boom\n", err: &initscript.ScriptError{Message: "boom", Line: 1}},
	{name: "an error while errexit is looked up leaves no memory behind", set: memoryLimit(4 << 20), script: `errexit = nil setmetatable(_G, {__index = function() error('boom') end}) ` +
		`local big = {A = ('x'):rep(1e5)} for i = 1, 100 do pcall(C.read, 99, 2^20) pcall(receive_with_fd, 99, 2^20) pcall(C.execve, '/nonexistent', nil, big) end ` +
		`for i = 1, 200 do pcall(C.setgroups, {-1}) end S('done')`, sent: []string{"done"}},
	dies("H10 setfenv of the function does not count", `setfenv(1, setmetatable({errexit = false}, {__index = _G})) C.chdir('/nonexistent')`, inMain),
	survives("setfenv of the thread counts", `local R, C = R, C setfenv(0, {errexit = false}) R(C.chdir('/nonexistent'))`),
	survives("setfenv of the thread without errexit", `local R, C = R, C setfenv(0, {}) R(C.chdir('/nonexistent'))`),
	dies("setfenv of the thread has metamethods", `local C = C setfenv(0, setmetatable({}, {__index = {errexit = 1}})) C.chdir('/nonexistent')`, inMain),
	survives("a coroutine keeps the globals that it was made with", `local C, R = C, R local co = coroutine.create(function() R(C.chdir('/nonexistent')) end) `+
		`errexit = false setfenv(0, {errexit = true}) coroutine.resume(co)`),
	dies("a coroutine takes the globals of its maker", `local C, coroutine = C, coroutine errexit = false setfenv(0, {errexit = true}) `+
		`coroutine.wrap(function() C.chdir('/nonexistent') end)()`, "\tinit.script:1: in function <init.script:1>\n"),
	{name: "errexit does not make arguments good", script: `errexit = true R(pcall(C.chdir)) R(pcall(C.open, {}))`,
		sent: []string{"false,bad argument #1 to '?' (string expected, got no value)", "false,bad argument #1 to '?' (string expected, got table)"}},
	{name: "an argument error ends the script", script: `errexit = false C.chdir()`,
		stderr: initPrefix + "/script: init.script:1: bad argument #1 to 'chdir' (string expected, got no value)\n",
		err:    luaError("init.script:1: bad argument #1 to 'chdir' (string expected, got no value)")},
}

func TestErrexit(t *testing.T) { runCases(t, errexitCases) }

var tableCases = []scriptCase{
	{name: "H26 functions are made at each access", script: `S(tostring(C.open == C.open) .. tostring(rawget(C, 'open')) .. tostring(next(C)))`, sent: []string{"falsenilnil"}},
	{name: "the table is empty", script: `for name in pairs(C) do S(name) end R(#C, rawget(C, 'O_RDWR'))`, sent: []string{"0,nil"}},
	{name: "H27 an unknown key", script: `C.nope()`, stderr: initPrefix + "/script: init.script:1: key not found\n", err: luaError("init.script:1: key not found")},
	{name: "an unknown key on another line", script: "errexit = false\n\nlocal x = C.nope", stderr: initPrefix + "/script: init.script:3: key not found\n",
		err: &initscript.ScriptError{Message: "init.script:3: key not found", Line: 3}},
	{name: "H28 a key of another system", script: `errexit = false S(select(2, pcall(function() return C.O_SEARCH end)))`, sent: []string{"init.script:1: key not found"}},
	{name: "H29 keys of other types", script: `for _, key in ipairs({1, true, {}, print, 1.5}) do R(pcall(function() return C[key] end)) end R(pcall(function() return C[nil] end))`,
		sent: slices.Repeat([]string{"false,init.script:1: key not found"}, 6)},
	{name: "keys match exactly", script: `for _, key in ipairs({'', 'Open', 'open ', 'open\0', 'o_rdwr', 'errexit', '__index'}) do R(pcall(function() return C[key] end)) end`,
		sent: slices.Repeat([]string{"false,init.script:1: key not found"}, 7)},
	{name: "H102 functions of another system", script: `R(pcall(function() C.unmount('/x', 0) end)) R(pcall(function() C.cap_enter() end))`,
		sent: []string{"false,init.script:1: key not found", "false,init.script:1: key not found"}},
	{name: "stored values shadow", script: `C.foo = 1 R(C.foo) C.umask = function(n) return 'mine' .. n end R(C.umask(0)) C.umask = nil R(type(C.umask(18))) ` +
		`C.O_RDWR = 'x' R(C.O_RDWR) R(pairs(C)(C) ~= nil) C.O_RDWR = nil R(C.O_RDWR)`, sent: []string{"1", "mine0", "number", "x", "true", "2"}},
	{name: "the metatable is open", script: `local mt = getmetatable(C) R(type(mt), type(mt.__index)) local index = mt.__index ` +
		`mt.__index = function(t, k) if k == 'nope' then return 5 end return index(t, k) end R(C.nope, C.O_RDWR) setmetatable(C, nil) local value = C.O_RDWR setmetatable(C, mt) R(value)`,
		sent: []string{"table,function", "5,2", "nil"}},
	{name: "the table can be replaced", script: `local old = C C = {} local value = C.open C = old R(value)`, sent: []string{"nil"}},
	{name: "functions work outside of the table", script: `local open, C = C.open, nil R(open('/dev/null', 0))`, sent: []string{"5,0"}},
	{name: "the table of ffi is another", script: `R(require('ffi').C ~= C)`, sent: []string{"true"}},
}

func TestTable(t *testing.T) { runCases(t, tableCases) }
