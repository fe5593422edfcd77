package initscript_test

import (
	"slices"
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data of the low halves of arguments, on a little-endian machine.
const (
	firstArgument  = 16
	secondArgument = 24
	thirdArgument  = 32
	fourthArgument = 40
)

// echo is a filter under which the system call fails with one of its arguments as errno: so a
// test sees what the kernel would have got.
func echo(systemCall, argument uint32) string {
	return luaLiteral(slices.Concat(
		instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, 0),
		instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 3, systemCall),
		instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, argument),
		instruction(unix.BPF_ALU|unix.BPF_OR|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ERRNO),
		instruction(unix.BPF_RET|unix.BPF_A, 0, 0, 0),
		instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW),
	))
}

// threads makes the functions context(link, function, arguments...), a call with what follows it,
// and start(context), which makes a thread for it; filters() has the number
// of filters that every thread has installed.
const threads = `local ffi = require 'ffi' ffi.cdef[[
	typedef struct context { unsigned long flags; struct context *link; void *stack; int stack_flags; size_t stack_size; char rest[16384]; } context;
	int getcontext(context *); void makecontext(context *, void *, int, ...); int setcontext(const context *); int prctl(int, ...);
	typedef struct { unsigned short length; const char *code; } program; int sem_init(void *, int, unsigned); int sem_post(void *); int sem_wait(void *);
	int pause(void); int pthread_create(unsigned long *, const void *, void *, void *);]]
	kept = {}
	local function context(link, call, ...)
		local c, stack, arguments = ffi.new('context'), ffi.new('char[65536]'), {...}
		for i, a in ipairs(arguments) do arguments[i] = type(a) == 'number' and ffi.cast('long', a) or a end
		ffi.C.getcontext(c) c.link, c.stack, c.stack_size = link, stack, 65536
		ffi.C.makecontext(c, ffi.cast('void *', call), #arguments, unpack(arguments))
		kept[#kept + 1] = {c, stack, arguments} return c
	end
	local function start(c) assert(ffi.C.pthread_create(ffi.new('unsigned long[1]'), nil, ffi.cast('void *', ffi.C.setcontext), c) == 0) end
	local at_start = status('Seccomp_filters')
	local function filters()
		local list = {} for tid in io.popen('ls /proc/' .. C.getpid() .. '/task'):lines() do
		list[#list + 1] = io.open('/proc/self/task/' .. tid .. '/status'):read('*a'):match('Seccomp_filters:%s*(%d+)') - at_start end return unpack(list)
	end `

// anotherThread starts a thread that does nothing; deviatingThread one that first installs a
// filter of its own.
const anotherThread = threads + `start(context(nil, ffi.C.pause)) `

var deviatingThread = threads + `local semaphore = ffi.new('char[64]') ffi.C.sem_init(semaphore, 0, 0) set_no_new_privs()
	local code = ` + allowAll + ` local program = ffi.new('program', 1, code)
	start(context(context(context(nil, ffi.C.pause), ffi.C.sem_post, semaphore), ffi.C.prctl, 22, 2, program)) ffi.C.sem_wait(semaphore) `

// needsContexts skips where the C library cannot continue a thread in a context of its own making.
func needsContexts(t *testing.T, _ *initscript.Cmd) {
	r := runScript(t, `local ffi = require 'ffi' ffi.cdef 'int setcontext(const void *);' S((pcall(function() return ffi.C.setcontext end)))`)
	if !slices.Equal(r.Sent, []string{"true"}) {
		t.Skipf("needs setcontext(3): %+v", r)
	}
}

var extSeccompCases = []scriptCase{
	{name: "flags are a list", script: `local at_start = status('Seccomp_filters') set_no_new_privs() for _, flags in ipairs({{}, {'log'}, {'tsync'}, {'spec_allow'}, {'log', 'tsync', 'spec_allow', 'log'}}) do ` +
		`R(C.seccomp_set_mode_filter(` + allowAll + `, flags)) end R(status('Seccomp'), status('Seccomp_filters') - at_start)`, sent: []string{"0,0", "0,0", "0,0", "0,0", "0,0", "2,5"}},
	{name: "the errno of C.read is no list", script: `local r, w = C.pipe2(0) C.write(w, ` + allowAll + `) set_no_new_privs() R(C.seccomp_set_mode_filter(C.read(r, 8)))`, sent: []string{"0,0"}},
	{name: "nil is no list", script: `set_no_new_privs() R(C.seccomp_set_mode_filter(` + allowAll + `, nil))`, sent: []string{"0,0"}},
	{name: "a filter with flags is in force", script: `set_no_new_privs() R(C.seccomp_set_mode_filter(` +
		filter(unix.SYS_CHDIR, unix.SECCOMP_RET_ERRNO|uint32(unix.EDOM)) + `, {'log'})) errexit = false R(C.chdir('/')) R(C.access('/', C.F_OK))`,
		sent: []string{"0,0", "-1,33", "0,0"}},
	{name: "flags are what the kernel gets", script: install(echo(unix.SYS_SECCOMP, secondArgument)) + `errexit = false for _, flags in ipairs({{'tsync'}, {'log'}, {'spec_allow'}, {'new_listener'}, ` +
		`{'log', 'spec_allow'}, {'tsync', 'new_listener'}}) do R(C.seccomp_set_mode_filter(` + allowAll + `, flags)) end R(C.seccomp_set_mode_filter(` + allowAll + `))`,
		sent: []string{"-1,1", "-1,2", "-1,4", "-1,8", "-1,6", "-1,25", "0,0"}}, // 25: with TSYNC_ESRCH
	{name: "without tsync other threads are free", set: needsContexts, script: anotherThread + install(allowAll) + `R(filters())`, sent: []string{"1,0"}},
	{name: "tsync confines all threads", set: needsContexts, script: anotherThread + `set_no_new_privs() R(C.seccomp_set_mode_filter(` + allowAll + `, {'tsync'})) R(filters())`, sent: []string{"0,0", "1,1"}},
	{name: "a failed tsync confines nobody", set: needsContexts, script: deviatingThread + `errexit = false R(C.seccomp_set_mode_filter(` + allowAll + `, {'tsync'})) ` +
		`R(C.seccomp_set_mode_filter(` + allowAll + `, {'tsync', 'new_listener'})) R(filters())`, sent: []string{"-1,3", "-1,3", "0,1"}},
	{name: "a listener", script: `set_no_new_privs() local fd, e = C.seccomp_set_mode_filter(` + filter(unix.SYS_CHDIR, unix.SECCOMP_RET_USER_NOTIF) + `, {'new_listener'}) ` +
		`R(fd, e) R(C.fcntl(fd, C.F_GETFD)) C.close(fd) errexit = false R(C.chdir('/'))`, sent: []string{"5,0", "1,0", "-1,38"}}, // nobody answers
	{name: "a listener for all threads", set: needsContexts, script: anotherThread + `set_no_new_privs() R(C.seccomp_set_mode_filter(` + allowAll + `, {'new_listener', 'tsync'})) R(filters())`,
		sent: []string{"5,0", "1,1"}},
}

var extSeccompFailures = []failureCase{
	{name: "without no_new_privs", call: `C.seccomp_set_mode_filter(` + allowAll + `, {'log'})`, errno: unix.EACCES,
		report: `seccomp_set_mode_filter("\006\000\000\000\000\000\255\127", (table))`, as: ordinaryUser},
	{name: "not a filter", call: `C.seccomp_set_mode_filter('1234', {'log'})`, errno: unix.EINVAL, report: `seccomp_set_mode_filter("1234", (table))`},
	{name: "a second listener", before: `set_no_new_privs() C.seccomp_set_mode_filter(` + allowAll + `, {'new_listener'})`, call: `C.seccomp_set_mode_filter(` + allowAll + `, {'new_listener'})`,
		errno: unix.EBUSY, report: `seccomp_set_mode_filter("\006\000\000\000\000\000\255\127", (table))`},
}

var extSeccompRaises = []raiseCase{
	{`C.seccomp_set_mode_filter('', 'log')`, `init.script:1: table expected for argument 2`},
	{`C.seccomp_set_mode_filter('', true)`, `init.script:1: table expected for argument 2`},
	{`C.seccomp_set_mode_filter('', {'nope'})`, `init.script:1: invalid SECCOMP_FILTER_FLAG`},
	{`C.seccomp_set_mode_filter('', {'tsync', 'log\0'})`, `init.script:1: invalid SECCOMP_FILTER_FLAG`},
	{`C.seccomp_set_mode_filter('', {2})`, `init.script:1: invalid SECCOMP_FILTER_FLAG`},
	{`C.seccomp_set_mode_filter('', {nil, 'log'})`, noList(2, "seccomp_set_mode_filter", "the table")},
	{`C.seccomp_set_mode_filter('', {tsync = true})`, noList(2, "seccomp_set_mode_filter", "the table")},
}

func TestExtensionSeccomp(t *testing.T) {
	runCases(t, extSeccompCases)
	runFailures(t, extSeccompFailures)
	runRaises(t, extSeccompRaises)
}
