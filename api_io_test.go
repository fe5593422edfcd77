package initscript_test

import (
	"os"
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

var ioCases = []scriptCase{
	// open
	{name: "open takes the lowest free descriptor", script: `R(C.open('/dev/null', C.O_RDONLY)) R(C.open('/dev/null', C.O_RDONLY))`,
		sent: []string{"5,0", "6,0"}},
	{name: "H34 open takes numeric strings and fractions", script: `R(C.open('/dev/null', '1'), 0) R(C.open('/dev/null', 1.9), 0) R(C.open('/dev/null', ' 0x1 '), 0)`,
		sent: []string{"5,0", "6,0", "7,0"}},
	{name: "open creates with the mode", script: `C.umask(0) C.open('f', bit.bor(C.O_CREAT, C.O_WRONLY), mode(6, 4, 2))`,
		then: `stat -c %a f`, stdout: "642\n"},
	// Undefined in Emilua.
	{name: "open creates with mode 0 when none is given", script: `C.open('f', bit.bor(C.O_CREAT, C.O_WRONLY)) C.open('g', bit.bor(C.O_CREAT, C.O_WRONLY), nil)`,
		then: `stat -c %a f g`, stdout: "0\n0\n"},
	{name: "open's descriptors survive execve without O_CLOEXEC only", script: `C.open('/dev/null', C.O_RDONLY) C.open('/dev/null', C.O_CLOEXEC) ` +
		`C.execve('/bin/sh', {'sh', '-c', 'for fd in 5 6; do [ -e /proc/self/fd/$fd ] && echo $fd; done; true'})`, stdout: "5\n"},

	// read
	{name: "read", script: `C.write(C.open('f', bit.bor(C.O_CREAT, C.O_WRONLY), mode(6, 0, 0)), 'abc\0def') ` +
		`local fd = C.open('f', C.O_RDONLY) R(C.read(fd, 4)) R(C.read(fd, 100)) R(C.read(fd, 100))`,
		sent: []string{"abc\x00,0", "def,0", ",0"}},
	{name: "H36 read at the end", script: `local s, e = C.read(0, 10) S('[' .. s .. ']' .. e)`, sent: []string{"[]0"}},
	{name: "H37 read nothing", script: `local s, e = C.read(0, 0) S('[' .. s .. ']' .. e)`, sent: []string{"[]0"}},
	// Emilua's arena is always this small.
	{name: "H40 read into more memory than there is", script: `C.read(arg, 2^20)`, set: memoryLimit(1 << 20),
		stderr: outOfMemory, err: memoryExhausted},
	{name: "read into more memory than there is, protected", script: `errexit = false pcall(C.read, 0, 2^40)`,
		stderr: outOfMemory, err: memoryExhausted},
	{name: "read into more memory than can be", script: `C.read(0, 2^62)`, stderr: outOfMemory, err: memoryExhausted},
	{name: "read gives its memory back", script: `local fd = C.open('/dev/zero', C.O_RDONLY) ` +
		`for i = 1, 300 do local s = C.read(fd, 2^20) assert(#s == 2^20) s = nil collectgarbage() end ` +
		`errexit = false for i = 1, 300 do C.read(99, 2^22) end S('done')`, set: memoryLimit(8 << 20), sent: []string{"done"}},
	{name: "read gives its memory back when a finalizer raises", set: memoryLimit(16 << 20), script: raisingFinalizers + `
		local f = io.open('f', 'w') f:seek('set', 100 * 2^20) f:write('.') f:close()
		local read, fd, good = C.read, C.open('f', C.O_RDONLY), 0
		for i = 1, 90 do
			if try(i % 3 + 1, read, fd, 2^20) then good = good + 1 end
		end
		local position = io.open('/proc/self/fdinfo/' .. fd):read('*a'):match('pos:%s*(%d+)')
		R((position / 2^20 - good > 20) == raising) -- errors when something had been read`, sent: []string{"true"}},
	{name: "read as much as is no number", script: `errexit = false R(C.read(0, 0 / 0))`, sent: []string{"nil,22"}},

	// write
	{name: "write", script: `R(C.write(1, 'a\0b'))`, stdout: "a\x00b", sent: []string{"3,0"}},
	{name: "H42 write a number", script: `R(C.write(1, 42))`, stdout: "42", sent: []string{"2,0"}},
	{name: "write what is no text", script: `R(C.write(1)) R(C.write(1, nil)) R(C.write(1, {})) R(C.write(1, true))`,
		sent: []string{"0,0", "0,0", "0,0", "0,0"}},
	{name: "H43 write an empty message", script: `R(C.write(5, '')) R(C.write(5, {}))`, peer: &peer{received: []message{{}, {}}},
		sent: []string{"0,0", "0,0"}},
	{name: "write is one write, possibly short", script: fullPipe + `R(C.write(pipe, string.rep('x', 100000)))`, sent: []string{"65536,0"}},
	{name: "H44 write to a broken pipe", script: `C.write(1, 'x') S('alive')`, set: brokenStdout, err: killed(unix.SIGPIPE)},
	{name: "H45 errexit with a broken pipe", script: `C.open('/nonexistent', 0)`, set: brokenStderr,
		err: callFailed("open", unix.ENOENT, `"/nonexistent"`, "0"), signal: unix.SIGPIPE},
	{name: "write to a broken stream socket", script: `errexit = false C.write(5, 'x') S('alive')`,
		peer: &peer{kind: unix.SOCK_STREAM, hangUp: true}, err: killed(unix.SIGPIPE)},

	// dup, dup2, close, closefrom
	{name: "dup", script: `local fd, e = C.dup(1) R(fd, e) C.write(fd, 'out')`, sent: []string{"5,0"}, stdout: "out"},
	{name: "dup2 replaces standard output", script: `R(C.dup2(C.open('f', bit.bor(C.O_CREAT, C.O_WRONLY), mode(6, 0, 0)), 1))`,
		then: `echo hidden; cat f >&2`, sent: []string{"1,0"}, stderr: "hidden\n"},
	{name: "close", script: `local fd = C.open('/dev/null', C.O_RDONLY) R(C.close(fd)) errexit = false R(C.close(fd))`,
		sent: []string{"0,0", "-1,9"}},
	{name: "closefrom", script: `for i = 1, 9 do C.dup(1) end S(select('#', C.closefrom(7))) errexit = false R(C.close(6)) R(C.close(7)) R(C.close(13))`,
		sent: []string{"0", "0,0", "-1,9", "-1,9"}},
	{name: "closefrom above the report descriptor", script: findHidden + `for fd = hidden[1] + 1, hidden[1] + 4 do C.dup2(1, fd) end C.closefrom(hidden[1] + 3) ` +
		`for fd = hidden[1] + 1, hidden[1] + 4 do R(C.close(fd)) end`, sent: []string{"0,0", "0,0", "-1,9", "-1,9"}},
	{name: "closefrom of a negative number closes all", script: `C.closefrom(-5) os.exit(C.write ~= nil and 3)`, status: 3},

	// socket, listen
	{name: "socket and listen", script: `local s = C.socket(C.AF_UNIX, C.SOCK_STREAM, 0) bind_unix(s, 's') R(C.listen(s, 1)) ` +
		`local f = io.open('/proc/net/unix') R(f:read('*a'):match(' (%d+) %d+ %d+ %d+ s\n'))`,
		sent: []string{"0,0", "00010000"}}, // __SO_ACCEPTCON

	// The descriptor on which failures are reported is no descriptor for the script.
	{name: "the report descriptor is hidden", script: findHidden + `
		R(#hidden)
		local fd = hidden[1]
		R(C.close(fd)) R(C.dup(fd)) R(C.dup2(1, fd)) R(C.dup2(fd, 60)) R(send_with_fd(arg, 'x', fd))
		errexit = true C.chdir('/nonexistent')`,
		sent:   []string{"1", "-1,9", "-1,9", "-1,9", "-1,9", "-1,9"},
		stderr: initPrefix + "/chdir: No such file or directory\nstack traceback:\n\tinit.script:5: in main chunk\n",
		err:    &initscript.ScriptError{Func: "chdir", Args: []string{`"/nonexistent"`}, Errno: unix.ENOENT, Line: 5}},
	{name: "the report descriptor is no descriptor for any call", script: findHidden + hiddenCalls, sent: []string{"33 calls"}},
	{name: "the report descriptor survives closefrom", script: findHidden +
		`local fd = hidden[1] C.dup2(1, fd - 1) C.dup2(1, fd + 1) C.closefrom(fd) R(C.close(fd - 1)) R(C.close(fd + 1)) ` +
		`C.closefrom(fd + 1) C.closefrom(0) errexit = true C.chdir('/nonexistent')`,
		sent: []string{"0,0", "-1,9"}, err: callFailed("chdir", unix.ENOENT, `"/nonexistent"`)},
	{name: "H81 the program gets nothing that the script opened", script: `C.open('/dev/null', C.O_RDONLY) C.dup(1) C.dup2(1, 50) io.open('/dev/null')`,
		then: `ls /proc/self/fd`, stdout: "0\n1\n2\n3\n"}, // 3 is the directory that ls reads
}

// raisingFinalizers makes the function try(n, f, ...): it is pcall(f, ...) during which the finalizer
// that runs as the nth raises an error. Finalizers run where memory is allocated: before a system
// call, and after it, when its result becomes a string.
const raisingFinalizers = `
	getmetatable(newproxy(true)).__gc = error
	local raising = not pcall(collectgarbage) -- newer LuaJIT keeps such errors to itself
	collectgarbage('setpause', 1) collectgarbage('setstepmul', 100000)
	local calls, nth, litter
	local function finalize()
		if not nth then return end
		calls = calls + 1
		litter()
		if calls == nth then error('finalizer') end
	end
	function litter() getmetatable(newproxy(true)).__gc = finalize end
	local function try(n, ...)
		litter()
		calls, nth = 0, n
		local ok, a, b = pcall(...)
		nth = nil
		return ok, a, b
	end
`

// fullPipe makes a pipe that does not block, and which a write of more than 64 KiB fills.
const fullPipe = `C.mkfifo('p', mode(6, 0, 0)) local pipe = C.open('p', bit.bor(C.O_RDWR, C.O_NONBLOCK)) `

// findHidden fills the list hidden with the open descriptors that are closed for the script.
const findHidden = `errexit = false local hidden = {} for fd = 5, 500 do ` +
	`if C.access('/proc/self/fd/' .. fd, C.F_OK) == 0 and C.dup(fd) == -1 then hidden[#hidden + 1] = fd end end `

// hiddenCalls has one call for each descriptor that a function takes, with the hidden one: all of them
// must say that it is not open, or are not there.
const hiddenCalls = `
	local fd, ruleset, n = hidden[1], C.landlock_create_ruleset({handled_access_fs = {'execute'}}), 0
	local filtered = select(2, C.setns(99, 0)) == C.EPERM -- by a container
	local function bad(...)
		n = n + 1
		local e = select(select('#', ...), ...)
		if e ~= C.EBADF and e ~= C.ENOSYS and e ~= C.EOPNOTSUPP and not (filtered and e == C.EPERM) then S('call ' .. n .. ': ' .. e) end
	end
	bad(C.read(fd, 0)) bad(C.write(fd, 'x')) bad(write_all(fd, 'x')) bad(receive_with_fd(fd, 0)) bad(send_with_fd(fd, 'x', 1)) bad(send_with_fd(arg, 'x', fd))
	bad(bind_unix(fd, 'x')) bad(C.listen(fd, 1)) bad(C.setns(fd, 0)) bad(C.fexecve(fd, {'x'})) bad(C.fexecve(fd, {'x'}, {}))
	bad(C.fchdir(fd)) bad(C.fchmod(fd, 0)) bad(C.fchown(fd, -1, -1)) bad(C.fcntl(fd, C.F_GETFD)) bad(C.openat2(fd, 'x', {})) bad(C.mkdirat(fd, 'x', 0))
	bad(C.mknodat(fd, 'x', 0, 0)) bad(C.linkat(fd, 'x', C.AT_FDCWD, 'y', 0)) bad(C.linkat(C.AT_FDCWD, '.', fd, 'y', 0)) bad(C.symlinkat('x', fd, 'y'))
	bad(C.unlinkat(fd, 'x', 0)) bad(C.renameat2(fd, 'x', C.AT_FDCWD, 'y', 0)) bad(C.renameat2(C.AT_FDCWD, '.', fd, 'y', 0)) bad(C.fchownat(fd, 'x', -1, -1, 0))
	bad(C.fchmodat(fd, 'x', 0, 0)) bad(C.fsconfig(fd, C.FSCONFIG_SET_FLAG, 'ro', nil, 0)) bad(C.open_tree(fd, 'x', 0))
	bad(C.landlock_add_rule(fd, 'path_beneath', {})) bad(C.landlock_add_rule(ruleset, 'path_beneath', {allowed_access = {'execute'}, parent_fd = fd}))
	set_no_new_privs() bad(C.landlock_restrict_self(fd)) bad(C.dup(fd)) bad(C.close(fd)) S(n .. ' calls')`

func memoryLimit(size int64) func(*testing.T, *initscript.Cmd) {
	return func(_ *testing.T, cmd *initscript.Cmd) { cmd.MemoryLimit = size }
}

// brokenPipe returns the end to write to of a pipe that nobody reads.
func brokenPipe(t *testing.T) *os.File {
	t.Helper()
	reader, writer, err := os.Pipe()
	must(t, err)
	reader.Close()
	t.Cleanup(func() { writer.Close() })
	return writer
}

func brokenStdout(t *testing.T, cmd *initscript.Cmd) { cmd.Stdout = brokenPipe(t) }
func brokenStderr(t *testing.T, cmd *initscript.Cmd) { cmd.Stderr = brokenPipe(t) }

var ioFailures = []failureCase{
	{name: "H3 H5", call: `C.open('/nonexistent', C.O_RDONLY)`, errno: unix.ENOENT, report: `open("/nonexistent", 0)`},
	{name: "exists", call: `C.open('.', bit.bor(C.O_CREAT, C.O_EXCL), mode(6, 0, 0))`, errno: unix.EEXIST, report: `open(".", 192, 384)`},
	{name: "not permitted", call: `C.open('/etc/passwd', C.O_RDWR)`, errno: unix.EACCES, report: `open("/etc/passwd", 2)`, as: ordinaryUser},
	{name: "H38", call: `C.read(99, 1)`, errno: unix.EBADF, report: `read(99, 1)`, results: "nil,9"},
	{name: "nothing from a bad descriptor", call: `C.read(99, 0)`, errno: unix.EBADF, report: `read(99, 0)`, results: "nil,9"},
	{name: "a directory", before: `local fd = C.open('/', C.O_RDONLY)`, call: `C.read(fd, 1)`, errno: unix.EISDIR, report: `read(5, 1)`, results: "nil,21"},
	// Undefined in Emilua.
	{name: "a negative size", call: `C.read(0, -1)`, errno: unix.EINVAL, report: `read(0, -1)`, results: "nil,22"},
	{name: "a size that does not fit", call: `C.read(0, 2^70)`, errno: unix.EINVAL, report: `read(0, 1.1805916207174e+21)`, results: "nil,22"},
	{call: `C.write(99, 'x')`, errno: unix.EBADF, report: `write(99, "x")`},
	{name: "nothing to a bad descriptor", call: `C.write(99)`, errno: unix.EBADF, report: `write(99)`},
	{name: "the peer is gone, no SIGPIPE", call: `C.write(5, 'x')`, errno: unix.EPIPE, report: `write(5, "x")`, peer: &peer{hangUp: true}},
	{call: `C.dup(99)`, errno: unix.EBADF, report: `dup(99)`},
	{call: `C.dup2(99, 5)`, errno: unix.EBADF, report: `dup2(99, 5)`},
	{call: `C.dup2(1, -1)`, errno: unix.EBADF, report: `dup2(1, -1)`},
	{call: `C.close(99)`, errno: unix.EBADF, report: `close(99)`},
	{call: `C.socket(9999, C.SOCK_STREAM, 0)`, errno: unix.EAFNOSUPPORT, report: `socket(9999, 1, 0)`},
	{call: `C.listen(0, 1)`, errno: unix.ENOTSOCK, report: `listen(0, 1)`},
}

func TestAPIIO(t *testing.T) {
	runCases(t, ioCases)
	runFailures(t, ioFailures)
}
