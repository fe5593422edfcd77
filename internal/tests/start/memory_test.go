package start_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/actortest"
	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/ffitest"
)

// A needle is what a script handles and what must be nowhere afterwards. It is made at run time, and
// its unit is searched for, so that what is left of a text that was partly overwritten is found, too.
type needle string

func newNeedle() needle {
	const letters = "bcdfghjkmnpqrstvwxyz23456789"
	unit := make([]byte, 8)
	for i := range unit {
		unit[i] = letters[rand.IntN(len(letters))]
	}
	return needle(unit)
}

func (n needle) text() string { return strings.Repeat(string(n), 8) }

// forms are the unit as it is, as string.upper and string.reverse make it, and as a number's digits.
func (n needle) forms() [][]byte {
	reversed := []byte(n)
	slices.Reverse(reversed)
	return [][]byte{[]byte(n), []byte(strings.ToUpper(string(n))), reversed}
}

// mapping is a line of /proc/PID/maps.
type mapping struct {
	start, end int64
	line       string
}

// searched tells whether something of a script can be there: not in what is read from files.
func (m mapping) searched() bool {
	fields := strings.Fields(m.line)
	name := ""
	if len(fields) > 5 {
		name = fields[5]
	}
	ofFile := strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "/memfd:") &&
		!strings.HasPrefix(name, "/dev/")
	return fields[1][0] == 'r' && !strings.HasPrefix(name, "[v") && (fields[1][1] == 'w' || !ofFile)
}

func mappingsOf(t *testing.T, pid int) []mapping {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	testkit.Must(t, err)
	var mappings []mapping
	for line := range strings.Lines(string(text)) {
		m := mapping{line: line}
		if n, _ := fmt.Sscanf(line, "%x-%x", &m.start, &m.end); n == 2 { // not [vsyscall]
			mappings = append(mappings, m)
		}
	}
	return mappings
}

// pagesOf returns the present pages of a mapping, neighbours together.
func pagesOf(t *testing.T, pagemap *os.File, m mapping) (runs []mapping) {
	t.Helper()
	const present, swapped = 1 << 63, 1 << 62
	size := int64(os.Getpagesize())
	entries := make([]byte, (m.end-m.start)/size*8)
	if _, err := pagemap.ReadAt(entries, m.start/size*8); err != nil {
		t.Fatalf("pagemap of %s: %v", m.line, err)
	}
	for at := m.start; at < m.end; at += size {
		entry := binary.NativeEndian.Uint64(entries[(at-m.start)/size*8:])
		switch last := len(runs) - 1; {
		case entry&(present|swapped) == 0:
		case last >= 0 && runs[last].end == at:
			runs[last].end += size
		default:
			runs = append(runs, mapping{at, at + size, m.line})
		}
	}
	return runs
}

// searchMemory fails the test for every place in the memory of a process that has a unit of the
// needle, and returns how many there are and how many bytes were searched.
func searchMemory(t *testing.T, pid int, n needle) (found, searched int) {
	t.Helper()
	open := func(name string) *os.File {
		file, err := os.Open(fmt.Sprintf("/proc/%d/%s", pid, name))
		if errors.Is(err, fs.ErrPermission) {
			testkit.Skip(t, "may not look into a process: "+err.Error())
		}
		testkit.Must(t, err)
		t.Cleanup(func() { file.Close() })
		return file
	}
	memory, pagemap := open("mem"), open("pagemap")
	for _, m := range mappingsOf(t, pid) {
		if !m.searched() {
			continue
		}
		for _, run := range pagesOf(t, pagemap, m) {
			content := make([]byte, run.end-run.start)
			read, _ := memory.ReadAt(content, run.start)
			searched += read
			for _, form := range n.forms() {
				for at := 0; ; at++ {
					i := bytes.Index(content[at:read], form)
					if i < 0 {
						break
					}
					if at += i; found < 5 {
						around := content[max(at-40, 0):min(at+80, read)]
						t.Logf("at %#x in %s%q", run.start+int64(at), m.line, around)
					}
					found++
				}
			}
		}
	}
	return found, searched
}

func requireNothing(t *testing.T, what string, pid int, n needle) {
	t.Helper()
	found, searched := searchMemory(t, pid, n)
	if found > 0 {
		t.Errorf("%s: %d places have what the script handled", what, found)
	}
	if searched < 1<<15 {
		t.Errorf("%s: only %d bytes could be searched", what, searched)
	}
}

// childOf returns the child of a process that runs the same program.
func childOf(t *testing.T, parent int) int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	testkit.Must(t, err)
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		_, name, _ := strings.Cut(string(text), " (")
		name, after, _ := strings.Cut(name, ") ")
		if fields := strings.Fields(after); name == "initscript" && len(fields) > 1 &&
			fields[1] == strconv.Itoa(parent) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
			testkit.Must(t, err)
			return pid
		}
	}
	t.Fatalf("process %d has no child", parent)
	return 0
}

const waitInLua = `parent:send("ready") inbox:receive()`

// memoryScript is a script with the needle as N, in a directory that has it in the file "needle".
func memoryScript(n needle, script string) string {
	return fmt.Sprintf("-- %[1]s\nlocal N = '%[1]s' errexit = false %[2]s", n.text(), script)
}

func needleDirectory(t *testing.T, n needle) (directory string, stdin *os.File) {
	t.Helper()
	directory = t.TempDir()
	testkit.Must(t, os.Chmod(directory, 0o777)) // for scripts that change their credentials
	lines := strings.Repeat(n.text()+"\n", 400)
	testkit.Must(t, os.WriteFile(filepath.Join(directory, "needle"), []byte(lines), 0o666))
	stdin, err := os.Open(filepath.Join(directory, "needle"))
	testkit.Must(t, err)
	t.Cleanup(func() { stdin.Close() })
	return directory, stdin
}

// requireOwnMemory skips a test where processes have more in their memory than the program put there.
func requireOwnMemory(t *testing.T) {
	t.Helper()
	if testkit.WithASan {
		t.Skip("the sanitizer keeps what was freed, and has 15 terabytes of notes")
	}
}

// requireForgotten runs a script before an actor in Lua in a PID namespace, and before one in Go
// in none, and searches the memory of the actors and, as root, of PID 1.
func requireForgotten(t *testing.T, script string) {
	t.Helper()
	ffitest.Require(t, script)
	requireOwnMemory(t)
	for _, kind := range []string{"Lua", "Go"} {
		n := newNeedle()
		config := actortest.MappedToRoot(initscript.Actor{Script: memoryScript(n, script)})
		config.Namespaces |= initscript.NewUTS | initscript.NewIPC
		config.Dir, config.Stdin = needleDirectory(t, n)
		if kind == "Lua" {
			config.Namespaces |= initscript.NewPID
			config.ModuleSource = waitInLua
		} else {
			config.Entry = "probe"
		}
		actor := actortest.Spawn(t, config)
		pid := actor.Process.Pid
		if kind == "Lua" {
			if got, err := actor.Receive(actortest.Context(t)); got != "ready" {
				t.Fatalf("%v, %v, %v", got, err, actor.Wait())
			}
			if os.Geteuid() == 0 {
				requireNothing(t, "PID 1", pid, n)
			}
			pid = childOf(t, pid)
		} else {
			actortest.Ask(t, actor, "args")
		}
		requireNothing(t, "the actor in "+kind, pid, n)
	}
}

// What is searched for is found where it is.
func TestMemorySearch(t *testing.T) {
	requireOwnMemory(t)
	n := newNeedle()
	actor := actortest.Spawn(t, initscript.Actor{ModuleSource: waitInLua,
		Env: []string{"KEPT=" + n.text()}})
	if got, err := actor.Receive(actortest.Context(t)); got != "ready" {
		t.Fatalf("%v, %v, %v", got, err, actor.Wait())
	}
	if found, searched := searchMemory(t, actor.Process.Pid, n); found < 7 || searched < 1<<16 {
		t.Errorf("%d places found in %d bytes", found, searched)
	}
}

// callsWithText are the functions of the script API that take or return bytes which a script chooses.
func callsWithText() (with, without []string) {
	// These end the process if what they get are no capabilities, no groups, or no lists.
	special := strings.Fields("C.cap_drop_bound C.cap_set_ambient C.cap_set_proc C.setgroups C.execve " +
		"C.fexecve")
	isText := func(v definitions.Value) bool { return v.Type != "integer" && v.Type != "boolean" }
	returnsText := func(v definitions.Value) bool { return v.Type == "string" }
	for _, block := range testkit.APIBlocks() {
		switch {
		case block.Kind != definitions.Function || definitions.System(block.Origin()) == "freebsd":
		case slices.Contains(special, block.Name):
			without = append(without, block.Name)
		case slices.ContainsFunc(block.Params, isText) ||
			slices.ContainsFunc(block.Returns, returnsText):
			with = append(with, block.Name)
		default:
			without = append(without, block.Name)
		}
	}
	return with, without
}

// Functions of the libraries that are called with needles only, and two of ours that read one
// argument in several ways.
var memoryPlainCalls = strings.Fields(`
	C.prctl C.fcntl
	assert collectgarbage dofile error getfenv getmetatable ipairs loadfile module next pairs
	pcall print rawequal rawget rawset require select setfenv setmetatable tonumber tostring
	type unpack xpcall newproxy
	coroutine.create coroutine.resume coroutine.status coroutine.wrap
	debug.getfenv debug.getinfo debug.getlocal debug.getmetatable debug.getupvalue debug.setfenv
	debug.sethook debug.setlocal debug.setmetatable debug.setupvalue debug.traceback debug.upvalueid
	debug.upvaluejoin
	ffi.abi ffi.alignof ffi.cast ffi.cdef ffi.copy ffi.fill ffi.gc ffi.istype ffi.load ffi.metatype
	ffi.new ffi.offsetof ffi.sizeof ffi.string ffi.typeinfo ffi.typeof
	io.close io.input io.lines io.open io.popen io.type
	jit.attach jit.opt.start jit.profile.dumpstack jit.util.funcinfo jit.util.funck
	os.date os.difftime os.execute os.getenv os.remove os.rename os.setlocale os.time
	package.loadlib package.searchpath package.seeall
	string.buffer.decode string.buffer.encode string.buffer.new
	string.byte string.char string.dump string.find string.format string.gfind string.gmatch string.gsub
	string.len string.lower string.match string.rep string.reverse string.sub string.upper
	table.concat table.foreach table.foreachi table.getn table.insert table.maxn table.move table.remove
	table.sort table.setn table.unpack table.pack table.clone
	file:__gc file:__tostring file:close file:flush file:lines file:read file:seek file:setvbuf
	file:write`)

// Functions of the libraries that neither take nor return bytes that a script chooses (numbers, states).
var memoryNoStrings = strings.Fields(`
	gcinfo
	coroutine.isyieldable coroutine.running coroutine.yield
	debug.debug debug.gethook debug.getregistry
	ffi.errno io.flush io.output io.read io.tmpfile io.write
	jit.flush jit.off jit.on jit.profile.start jit.profile.stop jit.security jit.status
	jit.util.funcbc jit.util.funcuvname jit.util.ircalladdr jit.util.traceexitstub jit.util.traceinfo
	jit.util.traceir jit.util.tracek jit.util.tracemc jit.util.tracesnap
	os.clock os.exit os.tmpname
	table.clear table.new table.isarray table.isempty table.nkeys
	thread.exdata thread.exdata2 jit.prngstate
	bit.arshift bit.band bit.bnot bit.bor bit.bswap bit.bxor bit.lshift bit.rol bit.ror bit.rshift
	bit.tobit bit.tohex
	math.abs math.acos math.asin math.atan math.atan2 math.ceil math.cos math.cosh math.deg math.exp
	math.floor math.fmod math.frexp math.ldexp math.log math.log10 math.max math.min math.modf
	math.pow math.rad math.random math.randomseed math.sin math.sinh math.sqrt math.tan math.tanh
	math.mod`)

const (
	linesOfNeedle = `local file = io.open('needle') `
	declareLibc   = `local ffi = require('ffi') ffi.cdef [[
		typedef struct FILE FILE;
		char *strdup(const char *); void *malloc(size_t);
		void *mmap(void *, size_t, int, int, int, long);
		FILE *fopen(const char *, const char *); int fputs(const char *, FILE *);
		int setenv(const char *, const char *, int); char *strtok(char *, const char *);
		int mlockall(int); int mprotect(void *, size_t, int);
		size_t strlen(const char *); char *strcpy(char *, const char *);
		char *asctime(const void *); int setvbuf(FILE *, char *, int, size_t);
		int snprintf(char *, size_t, const char *, ...); void *getpwnam(const char *);
		char *tmpnam(char *); int system(const char *); void openlog(const char *, int, int);
		int brk(void *); void *sbrk(long);
		void *dlopen(const char *, int); char *dlerror(void);
	]] local c = ffi.C.strdup and ffi.C `
)

// What else a script can do with a needle; the name is that of a function or begins with one.
var memoryCases = map[string]string{
	"C.read":  `local fd = C.open('needle', C.O_RDONLY) for i = 1, 20 do C.read(fd, 10000) end`,
	"C.write": `C.write(C.open('/dev/null', C.O_WRONLY), N)`,
	"C.open": `C.open(N, C.O_RDWR) C.open(N, bit.bor(C.O_CREAT, C.O_RDWR), 384)
		C.open('/nonexistent/' .. N, 0)`,
	"C.execve": `C.execve('/nonexistent/' .. N, {N, N .. 'argument'}, {[N] = N})
		C.execve('needle', {N}, {K = N})`,
	"C.execve 2":      `for i = 1, 40 do C.execve(N, {N:rep(100)}, {N = N:rep(100)}) end`,
	"C.fexecve":       `C.fexecve(C.open('needle', C.O_RDONLY), {N, N}, {[N] = N})`,
	"C.sethostname":   `C.sethostname(N) C.sethostname('x')`,
	"C.setdomainname": `C.setdomainname(N) C.setdomainname('x')`,
	"C.mount 2": `C.mount(nil, '/', nil, bit.bor(C.MS_REC, C.MS_PRIVATE)) C.mkdir('t', 448) ` +
		`C.mount('tmpfs', 't', 'tmpfs', 0, 'size=4k,mode=700') C.mount(N, 't', 'tmpfs', 0, N)
		C.umount('t')`,
	"C.rename 2": `C.mkdir(N, 448) C.rename(N, N .. '2') C.symlink(N, N) C.unlink(N)
		C.rmdir(N .. '2') C.chdir('needle')`,
	"C.fsconfig 2": `local fd = C.fsopen('tmpfs', 1) C.fsconfig(fd, 1, 'source', N, 0)
		C.fsconfig(fd, 1, N, N, 0)`,
	"bind_unix": `bind_unix(C.socket(C.AF_UNIX, C.SOCK_STREAM, 0), 'socket')
		bind_unix(C.socket(C.AF_UNIX, C.SOCK_STREAM, 0), N)`,
	"receive_with_fd": `local a, b = C.socketpair(C.AF_UNIX, C.SOCK_SEQPACKET, 0)
		send_with_fd(a, N, 0) receive_with_fd(b, 1000)`,
	"write_all": `write_all(C.open('/dev/null', C.O_WRONLY), N:rep(1000))`,
	"io.read":   `io.read('*l') io.read('*l')`,
	"io.read 2": `io.read('*a')`,
	"io.read 3": `io.read('*n') io.read(5000)`,
	"io.write":  `io.write(N) io.write(N, '\n', N:rep(1000))`,
	"io.output": `io.output('/dev/null') io.write(N) io.output(N)`,
	"io.flush":  `io.write(N) io.flush() io.write(N)`,
	"io.tmpfile": `for i = 1, 5 do local f = io.tmpfile() if f then f:write(N) f:seek('set')
		f:read('*a') end end`,
	"io.open 2": linesOfNeedle + `file:read('*a') file:close()`,
	"io.open 3": linesOfNeedle + `file:read('*l', '*l', 10, '*n', '*a')`,
	"io.open 4": `local keep = {} for i = 1, 50 do keep[i] = io.open('needle')
		keep[i]:read('*l') end`,
	"io.open 5": `keep = {} for i = 1, 50 do keep[i] = io.open('out' .. i, 'w')
		keep[i]:write(N) end`,
	"io.lines 2": `for line in io.lines('needle') do end for line in io.lines('needle')
		do break end`,
	"io.popen 2": `local p = io.popen('echo ' .. N .. '; cat needle') p:read('*l') p:close()
		io.popen('cat needle'):read('*a')`,
	"io.popen 3": `local p = io.popen('cat > /dev/null', 'w') p:write(N) p:flush() p:write(N)`,
	"file:setvbuf 2": `io.stdout:setvbuf('full', 9000) io.write(N) io.stderr:setvbuf('full', 5000)
		io.stderr:write(N) ` +
		`io.stdin:setvbuf('full', 100) io.read('*l') io.stdout:setvbuf('no') io.write(N)
		io.stdout:setvbuf('line') io.write(N, '\n', N)`,
	"file:setvbuf 3": `for _, mode in ipairs {'full', 'line', 'no'}
		do local f = io.open('/dev/null', 'w') f:setvbuf(mode, 1e5) f:write(N) end`,
	"print 2": `for i = 1, 500 do print(N, N) end print(N)`,
	"error 2": `pcall(error, N) pcall(error, {N}) xpcall(function() error(N)
		end, debug.traceback) pcall(string.format, '%-300s', N)
		pcall(function() return C[N] end) pcall(C.open, {N})`,
	"require 2": `package.path = N .. '/?.lua' package.cpath = N .. '/?.so' pcall(require, N)
		pcall(require, 'needle')`,
	"package.loadlib": `package.loadlib('./needle', N) package.loadlib('/nonexistent/' .. N, '*')
		package.loadlib('libz.so.1', N)`,
	"ffi.load 2": `local ffi = require('ffi') pcall(ffi.load, './needle')
		pcall(ffi.load, 'z') pcall(ffi.load, N, true)`,
	"ffi.cdef 2": `local ffi = require('ffi')
		pcall(ffi.cdef, 'struct S' .. N .. ' { int ' .. N .. '; };') pcall(ffi.new, 'struct S' .. N)`,
	"ffi.new 2": `local ffi = require('ffi') keep = ffi.new('char[?]', 1e6)
		for i = 0, 1000 do ffi.copy(keep + i * 900, N) end ffi.string(keep)`,
	"loadstring": `loadstring(N) loadstring('return "' .. N .. '"', N)()`,
	"load": `loadstring('return "' .. N .. '"')() loadstring(N .. ' syntax error', N)
		load(function() return nil end, N) pcall(dofile, 'needle')`,
	"string.format 2": `string.format('%q %-90s %99.99s', N, N, N) tostring(N):rep(3)`,
	"string.dump 2":   `loadstring(string.dump(loadstring('return "' .. N .. '"')))`,
	"string.gsub 2": `N:gsub('%w', '%0%0') N:gsub('.', function(c) return N end)
		N:find(N, 1, true) N:gsub(N:sub(1, 8), N) for w in N:rep(50):gmatch('%w+') do end`,
	"table.concat 2": `local t = {} for i = 1, 2000 do t[i] = N .. i end table.concat(t, N)
		table.sort(t)`,
	"os.date 2":  `os.date(N .. ' %Y') os.date(N:rep(10) .. '%c') os.date('*t')`,
	"os.tmpname": `os.remove(os.tmpname()) os.execute('echo ' .. N .. ' > /dev/null')`,
	"os.setlocale 2": `os.setlocale(N) os.setlocale('C.UTF-8', 'all')
		os.setlocale('/' .. N, 'ctype') os.setlocale(nil)`,
	"os.getenv 2": `os.getenv(N) os.rename(N, N .. 'x') os.remove(N) os.rename('needle', N)
		os.rename(N, 'needle')`,
	"coroutine.wrap 2": `local f = coroutine.wrap(function(s)
		while true do s = coroutine.yield(s .. N) end end) for i = 1, 100 do f(N) end`,
	"coroutine.yield": `local c = coroutine.create(function() coroutine.yield(N:rep(1000)) end)
		coroutine.resume(c) keep = c`,
	"debug.sethook 2": `debug.sethook(function() local x = N .. 'hook' end, 'l')
		for i = 1, 100 do local x = i end`,
	"debug.getregistry": `debug.getregistry()[N] = N debug.getregistry().keep = N:rep(100)`,
	"jit.on": `jit.on() local t = {}
		for i = 1, 500 do t[i] = N .. i end local s = '' for i = 1, 200 do s = s .. N end`,
	"bit.tohex": `local b = {}
		for i = 1, #N do b[i] = string.char(tonumber(bit.tohex(N:byte(i), 2), 16)) end table.concat(b)`,
	"newproxy 2": `local p = newproxy(true) getmetatable(p).__gc = function() io.write(N)
		io.stderr:write(N) ` +
		`print(N:upper():rep(100)) error(N) end keep = p`,
	"file:__gc 2": `getmetatable(io.stdout).__gc = nil keep = {}
		for i = 1, 9 do keep[i] = io.open('/dev/null', 'w') keep[i]:write(N) end`,
	"set_no_new_privs": `set_no_new_privs() pcall(C.prctl, 15, N)`,
	"bit.bxor": `local t = {}
		for i = 1, #N do t[i] = string.char(bit.bxor(bit.bxor(N:byte(i), 42), 42)) end table.concat(t)`,
	"tostring 2": `local f = loadstring([[local function deep(n) if n > 0 then
		return (N .. n) .. deep(n - 1) end return "" end N = ... deep(150)]]) f(N)`,
	"string.rep 2": `keep = N:rep(2 ^ 17) pcall(string.rep, N, 2 ^ 17) keep2 = keep:upper()`,
}

// The same through the C library, for which a script has ffi.
var memoryFFICases = map[string]string{
	"strdup": `for i = 1, 9 do c.strdup(N) end`,
	"malloc": `for _, size in ipairs {600, 5000, 100000, 200000, 3e6, 4e7}
		do local p = ffi.cast('char *', c.malloc(size)) c.strcpy(p, N) c.strcpy(p + size - 600, N) end`,
	"mmap": `for i = 1, 9 do local p = c.mmap(nil, 8192 * i, 3, 34, -1, 0)
		c.strcpy(ffi.cast('char *', p) + 4096, N) end`,
	"mmap shared": `local p = c.mmap(nil, 8192, 3, 33, -1, 0) c.strcpy(ffi.cast('char *', p), N)`,
	"fopen":       `local f = c.fopen('/dev/null', 'w') c.setvbuf(f, nil, 0, 1e5) c.fputs(N, f)`,
	"setenv":      `c.setenv('NEEDLE', N, 1) c.setenv('TZ', N, 1) os.date() os.time()`,
	"strtok":      `local b = c.strdup(N) c.strtok(b, N:sub(3, 3))`,
	"mlockall":    `c.mlockall(1) c.strdup(N) io.write(N)`,
	"getpwnam":    `c.getpwnam(N) c.openlog(c.strdup(N), 0, 0)`,
	"system":      `c.system('echo ' .. N .. ' > /dev/null')`,
	"sbrk":        `for i = 1, 9 do c.strcpy(ffi.cast('char *', c.sbrk(1e6)), N) end`,
	"dlopen": `c.dlopen('./' .. N, 1) c.dlerror()
		for _, name in ipairs {'libz.so.1', 'libstdc++.so.6', 'libpthread.so.0'} do
			c.dlopen(name, 0x1001)
		end
		c.strdup(N)`,
	"snprintf": `local b = c.malloc(1000) c.snprintf(ffi.cast('char *', b), 1000, '%s %999s', N, N)`,
	"tmpnam":   `c.strcpy(c.tmpnam(nil), N:sub(1, 15))`,
	"callback": `local f = ffi.cast('int (*)(const char *)', function(s)
		return #(ffi.string(s) .. N) end) f(N)`,
}

// Places where a script cannot write before it has seen to that: K is the first mapping whose line in
// /proc/self/maps has a pattern, and put() writes a needle into one of its pages.
const putIntoMapping = `local function put(pattern, page, flags)
	for line in io.lines('/proc/self/maps') do
		local first, last = line:match('^(%x+)%-(%x+) ' .. pattern)
		if first then
			first, last = tonumber(first, 16), tonumber(last, 16)
			local p = ffi.cast('char *', page < 0 and last + page * 4096 or first + page * 4096)
			if flags then p = ffi.cast('char *', c.mmap(p, 4096, 3, flags, -1, 0)) end
			c.mprotect(p, 4096, 7)
			c.strcpy(p + 1024, N)
			return
		end
	end
end `

var memoryPlaceCases = map[string]string{
	"text":           `put('r%-xp .*libc', -1)`,
	"constants":      `put('r%-%-p .*libc', 0)`,
	"own constants":  `put('r%-%-p %x+ %S+ [1-9]%d* ', 0)`,
	"read-only data": `put('r%-%-p .*libz', -1) put('r%-%-p .*libluajit', -1)`,
	"no access":      `put('%-%-%-p ', 0)`,
	"over a library": `put('r%-%-p .*libm', -1, 50)`,
	"above the stack": `if ffi.abi('64bit') then
		for bits = 38, 46 do
			local p = c.mmap(ffi.cast('void *', 2ULL ^ (bits + 1) - 2 ^ 20), 8192, 3, 34, -1, 0)
			c.strcpy(ffi.cast('char *', p) + 4096, N)
		end end`,
	"next to the stack": `for line in io.lines('/proc/self/maps') do
		local last = line:match('%-(%x+) .*%[stack%]') if last then
			local p = c.mmap(ffi.cast('void *', tonumber(last, 16) + 2 ^ 20), 8192, 3, 34, -1, 0)
			c.strcpy(ffi.cast('char *', p), N) end end`,
}

// libraryFunctions are all functions of all libraries, also of those that are only prepared: another
// version of LuaJIT has others.
const libraryFunctions = `
local seen, names = {[_G] = true, [C] = true}, {}
local function add(prefix, functions)
	for name, value in pairs(functions) do
		if type(name) == 'string' and type(value) == 'function' then names[prefix .. name] = true end
	end
end
add('', _G)
for _, modules in ipairs {package.loaded, package.preload} do
	for name in pairs(modules) do
		local module = require(name)
		if type(module) == 'function' then
			names[name] = true
		elseif not seen[module] then
			seen[module] = true
			add(name .. '.', module)
		end
	end
end
add('file:', getmetatable(io.stdout))
add('file:', getmetatable(io.stdout).__index)
local _, functions = debug.getupvalue(getmetatable(C).__index, 1)
for name, value in pairs(functions) do
	if type(value) == 'userdata' then names['C.' .. name] = true end
end
for name in pairs(names) do S(name) end`

// plainCall calls a function with needles for all that its signature allows.
func plainCall(function string) string {
	if types, ok := testkit.Signatures()[function]; ok {
		argument := map[string]string{"int": "99", "str": "N", "bool": "true", "table": "{N}",
			"any": "N"}
		var arguments []string
		for _, typ := range types {
			arguments = append(arguments, argument[typ])
		}
		return fmt.Sprintf("pcall(%s, %s)", function, strings.Join(arguments, ", "))
	}
	if method, ok := strings.CutPrefix(function, "file:"); ok {
		return fmt.Sprintf(`do local file = io.open('needle', 'r+') file:read('*l')
			local f = getmetatable(file).%[1]s or file.%[1]s
			pcall(f, file, N, N) pcall(f, file) end`, method)
	}
	value := function
	if dot := strings.LastIndexByte(function, '.'); !strings.HasPrefix(function, "C.") {
		value = fmt.Sprintf("require('%s').%s", cmp.Or(function[:max(dot, 0)], "_G"), function[dot+1:])
	}
	return fmt.Sprintf(`do local f = %s pcall(f, N, N, N) pcall(f, {N, [N] = N}, N)
		pcall(f, function() return N end, N) pcall(f, upper, 1, N) pcall(f, N) end`, value)
}

// plainCalls are scripts that call what is there of functions, one for each library.
func plainCalls(functions, present []string) map[string]string {
	scripts := make(map[string]string)
	for _, function := range functions {
		if slices.Contains(present, function) {
			library, _, _ := strings.Cut(function, ".")
			library, _, found := strings.Cut(library, ":")
			if !found && library == function {
				library = "_G"
			}
			scripts[library] += plainCall(function) + "\n"
		}
	}
	for library, calls := range scripts { // some of which replace the environment
		scripts[library] = `local upper, pcall, require, getmetatable, io, C =
			N:upper(), pcall, require, getmetatable, io, C
			local send_with_fd, write_all, bind_unix = send_with_fd, write_all, bind_unix ` + calls
	}
	return scripts
}

// Whatever a script has put into memory, by whatever function, is nowhere in the memory of the process
// that goes on: an actor, or PID 1.
func TestNothingOfTheScriptStays(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	r := testkit.RunScript(t, libraryFunctions)
	if r.Err != nil || len(r.Sent) < 200 {
		t.Fatalf("%d functions, %v", len(r.Sent), r)
	}
	with, without := callsWithText()
	plain, others := slices.Concat(with, memoryPlainCalls), slices.Concat(without, memoryNoStrings)
	for _, function := range r.Sent {
		_, special := memoryCases[function]
		if !special && !slices.Contains(plain, function) && !slices.Contains(others, function) {
			t.Errorf("what does %s do with strings? It must be in one of the lists above", function)
		}
	}
	for library, script := range plainCalls(plain, r.Sent) {
		t.Run(library, func(t *testing.T) { requireForgotten(t, script) })
	}
	for name, script := range memoryCases {
		t.Run(name, func(t *testing.T) { requireForgotten(t, script) })
	}
}

func TestNothingOfTheCLibraryStays(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	for name, script := range memoryFFICases {
		t.Run(name, func(t *testing.T) { requireForgotten(t, declareLibc+script) })
	}
}

// Neither do what a script has made writable, and what it has put where nothing else is mapped.
func TestNothingStaysInUnwritablePlaces(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	for name, script := range memoryPlaceCases {
		t.Run(name, func(t *testing.T) { requireForgotten(t, declareLibc+putIntoMapping+script) })
	}
}
