package initscript_test

import (
	"slices"
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// kernelValue makes the function kernel_value(option) for options of prctl(2) that C.prctl has
// not; those of the first form return the value, those of the second store it.
const kernelValue = `local ffi = require 'ffi' ffi.cdef 'int prctl(int, ...);' ` +
	`local function returned(option) return ffi.C.prctl(option, ffi.new('long'), ffi.new('long'), ffi.new('long'), ffi.new('long')) end ` +
	`local function stored(option) local value = ffi.new('int[1]') ffi.C.prctl(option, value) return value[0] end `

const (
	getPdeathsig      = "2"
	getTimerslack     = "30"
	getChildSubreaper = "37"
	getTHPDisable     = "42"
)

var extProcessCases = []scriptCase{
	{name: "getpid", script: `R(select('#', C.getpid()), tostring(C.getpid()) == status('Pid'))`, sent: []string{"1,true"}},
	{name: "getppid", script: `R(select('#', C.getppid()), tostring(C.getppid()) == status('PPid'))`, sent: []string{"1,true"}},
	{name: "ids inside of a PID namespace", in: initscript.NewUser | initscript.NewPID, script: `C.setsid() R(C.getpid(), C.getppid()) R(C.getsid(0)) R(C.getpgid(1))`,
		sent: []string{"1,0", "1,0", "1,0"}},
	{name: "getsid and getpgid", script: `local pid = C.getpid() R(C.getpgid(0) == pid) C.setpgid(0, 0) R(C.getpgid(0) == pid, C.getpgid(pid) == pid) ` +
		`R(select('#', C.getpgid(0)), select('#', C.getsid(0))) R(C.getsid(0) == C.getsid(C.getppid()))`, sent: []string{"false", "true,true", "2,2", "true"}},
	{name: "getsid after setsid", script: `local id = C.setsid() R(C.getsid(0) == id, C.getsid(0) == C.getpid())`, sent: []string{"true,true"}},
	{name: "getuid and its family", as: privileged, script: `C.setresgid(3, 4, 5) C.setresuid(1, 2, 0) R(C.getuid(), C.geteuid(), C.getgid(), C.getegid()) ` +
		`C.setresuid(0, 0, 0) C.setresgid(-1, 2^32 - 2, -1) R(C.getegid()) ` +
		`for _, name in ipairs({'getuid', 'geteuid', 'getgid', 'getegid'}) do R(select('#', C[name]())) end`,
		sent: []string{"1,2,3,4", "4294967294", "1", "1", "1", "1"}},
	{name: "getuid inside of a user namespace", in: initscript.NewUser, script: `R(C.getuid(), C.geteuid(), C.getgid(), C.getegid())`, sent: []string{"0,0,0,0"}},
	{name: "getgroups", as: privileged, script: `C.setgroups({5, 3, 2^32 - 2}) local list, e = C.getgroups() R(type(list), e, #list) R(unpack(list)) ` +
		`C.setgroups({}) local list, e = C.getgroups() R(e, #list)`, sent: []string{"table,0,3", "3,5,4294967294", "0,0"}},
	{name: "getgroups of very many", as: privileged, script: `local all = {} for i = 1, 65536 do all[i] = i end C.setgroups(all) local list = C.getgroups() R(#list, list[1], list[65536])`,
		sent: []string{"65536,1,65536"}},

	// prctl
	{name: "PR_SET_PDEATHSIG", script: kernelValue + `R(C.prctl(C.PR_SET_PDEATHSIG, C.SIGTERM)) R(stored(` + getPdeathsig + `))`, sent: []string{"0,0", "15"}},
	{name: "PR_SET_DUMPABLE", script: `R(C.prctl(C.PR_SET_DUMPABLE, 0)) R(C.prctl(C.PR_GET_DUMPABLE)) R(C.prctl(C.PR_SET_DUMPABLE, 1)) R(C.prctl(C.PR_GET_DUMPABLE))`,
		sent: []string{"0,0", "0,0", "0,0", "1,0"}},
	{name: "PR_SET_KEEPCAPS", as: privileged, script: `R(C.prctl(C.PR_GET_KEEPCAPS)) R(C.prctl(C.PR_SET_KEEPCAPS, 1)) R(C.prctl(C.PR_GET_KEEPCAPS)) local all = status('CapPrm') ` +
		`C.setresuid(1, 1, 1) R(status('CapPrm') == all, status('CapEff'))`, sent: []string{"0,0", "0,0", "1,0", "true," + noCapabilities}},
	{name: "PR_SET_CHILD_SUBREAPER", script: kernelValue + `R(C.prctl(C.PR_SET_CHILD_SUBREAPER, 1)) R(stored(` + getChildSubreaper + `))`, sent: []string{"0,0", "1"}},
	{name: "PR_SET_TIMERSLACK", script: kernelValue + `R(C.prctl(C.PR_SET_TIMERSLACK, 12345)) R(returned(` + getTimerslack + `))`, sent: []string{"0,0", "12345"}},
	{name: "PR_SET_NO_NEW_PRIVS", script: `R(C.prctl(C.PR_GET_NO_NEW_PRIVS)) R(C.prctl(C.PR_SET_NO_NEW_PRIVS, 1)) R(C.prctl(C.PR_GET_NO_NEW_PRIVS, nil, 0)) R(status('NoNewPrivs'))`,
		sent: []string{"0,0", "0,0", "1,0", "1"}},
	{name: "PR_CAPBSET_DROP", in: initscript.NewUser, script: `R(C.prctl(C.PR_CAPBSET_READ, 5)) R(C.prctl(C.PR_CAPBSET_DROP, 5)) R(C.prctl(C.PR_CAPBSET_READ, 5)) R(C.prctl(C.PR_CAPBSET_READ, 6))`,
		sent: []string{"1,0", "0,0", "0,0", "1,0"}},
	{name: "PR_SET_THP_DISABLE", script: kernelValue + `R(C.prctl(C.PR_SET_THP_DISABLE, 1)) R(returned(` + getTHPDisable + `))`, sent: []string{"0,0", "1"}},
	{name: "PR_SET_MDWE", set: needsMDWE, script: `local ffi = require 'ffi' ffi.cdef 'void *mmap(void *, size_t, int, int, int, long);' ` +
		`local function map(protection) return ffi.cast('intptr_t', ffi.C.mmap(nil, 4096, protection, 0x22, -1, 0)) == -1 and ffi.errno() end ` +
		`R(map(7)) R(C.prctl(C.PR_GET_MDWE)) R(C.prctl(C.PR_SET_MDWE, C.PR_MDWE_REFUSE_EXEC_GAIN)) R(C.prctl(C.PR_GET_MDWE)) R(map(7)) R(map(3))`,
		sent: []string{"false", "0,0", "0,0", "1,0", "13", "false"}},
	{name: "PR_GET_SECCOMP", script: `R((C.prctl(C.PR_GET_SECCOMP)) == tonumber(status('Seccomp'))) ` + install(allowAll) + `R(C.prctl(C.PR_GET_SECCOMP))`, sent: []string{"true", "2,0"}},
	{name: "PR_GET_SECUREBITS", in: initscript.NewUser, script: `C.cap_set_secbits(C.SECBIT_NOROOT) R(C.prctl(C.PR_GET_SECUREBITS))`, sent: []string{"1,0"}},
	{name: "prctl calls the kernel for known options only", script: install(filter(unix.SYS_PRCTL, unix.SECCOMP_RET_KILL_PROCESS)) +
		`errexit = false R(C.prctl(` + getPdeathsig + `, 0)) S('alive') C.prctl(C.PR_GET_DUMPABLE) S('alive')`, sent: []string{"-1,22", "alive"}, err: killed(unix.SIGSYS)},
}

func needsMDWE(t *testing.T, _ *initscript.Cmd) {
	if err := unix.Prctl(unix.PR_GET_MDWE, 0, 0, 0, 0); err == unix.EINVAL {
		t.Skip("needs PR_SET_MDWE (Linux 6.3)")
	}
}

// refuseFilledGroups refuses getgroups(2) but where it only counts.
var refuseFilledGroups = install(luaLiteral(slices.Concat(
	instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, 0),
	instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 3, unix.SYS_GETGROUPS),
	instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, firstArgument),
	instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 1, 0, 0),
	instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ERRNO|uint32(unix.EDOM)),
	instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW),
)))

// A pid beyond the kernel's limit of them.
const noProcess = `2^22 + 5`

var extProcessFailures = []failureCase{
	{call: `C.getpgid(` + noProcess + `)`, errno: unix.ESRCH, report: `getpgid(4194309)`},
	{call: `C.getsid(` + noProcess + `)`, errno: unix.ESRCH, report: `getsid(4194309)`},
	{name: "which only a filter can refuse", before: install(filter(unix.SYS_GETGROUPS, unix.SECCOMP_RET_ERRNO|uint32(unix.EDOM))),
		call: `C.getgroups()`, errno: unix.EDOM, report: `getgroups()`, results: "nil,33"},
	{name: "the second time", before: `C.setgroups({1})` + refuseFilledGroups, as: privileged,
		call: `C.getgroups()`, errno: unix.EDOM, report: `getgroups()`, results: "nil,33"},
	{name: "stores its value", call: `C.prctl(` + getPdeathsig + `, 0)`, errno: unix.EINVAL, report: `prctl(2, 0)`},
	{name: "unknown", call: `C.prctl(-1)`, errno: unix.EINVAL, report: `prctl(-1)`},
	{name: "out of range", call: `C.prctl(C.PR_SET_DUMPABLE, 5)`, errno: unix.EINVAL, report: `prctl(4, 5)`},
	{name: "cannot be undone", before: `set_no_new_privs()`, call: `C.prctl(C.PR_SET_NO_NEW_PRIVS, 0)`, errno: unix.EINVAL, report: `prctl(38, 0)`},
	{name: "of an ordinary user", call: `C.prctl(C.PR_CAPBSET_DROP, 0)`, errno: unix.EPERM, report: `prctl(24, 0)`, as: ordinaryUser},
}

var extProcessRaises = []raiseCase{
	{`C.prctl()`, `init.script:1: bad argument #1 to 'prctl' (number expected, got no value)`},
	{`C.prctl(C.PR_SET_DUMPABLE, true)`, `init.script:1: bad argument #2 to 'prctl' (number expected, got boolean)`},
	{`C.prctl(C.PR_SET_DUMPABLE, 1, nil, nil, 'x')`, `init.script:1: bad argument #5 to 'prctl' (number expected, got string)`},
}

func TestExtensionProcess(t *testing.T) {
	runCases(t, extProcessCases)
	runFailures(t, extProcessFailures)
	runRaises(t, extProcessRaises)
}
