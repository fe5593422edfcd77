package initscript_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// allowAll is the filter of one instruction that allows every system call.
var allowAll = luaLiteral(instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW))

// filter returns a program for C.seccomp_set_mode_filter with a verdict for one system call, which
// allows all others.
func filter(systemCall, verdict uint32) string {
	return luaLiteral(slices.Concat(
		instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, 0), // the number of the call
		instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 1, systemCall),
		instruction(unix.BPF_RET|unix.BPF_K, 0, 0, verdict),
		instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW),
	))
}

// prctlFilter is a filter with a verdict for prctl(2) with this second argument.
func prctlFilter(argument, verdict uint32) string {
	const secondArgument = 24 // its low half, in struct seccomp_data of a little-endian machine
	return luaLiteral(slices.Concat(
		instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, 0),
		instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 3, unix.SYS_PRCTL),
		instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, secondArgument),
		instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 1, argument),
		instruction(unix.BPF_RET|unix.BPF_K, 0, 0, verdict),
		instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW),
	))
}

func instruction(code uint16, jumpTrue, jumpFalse uint8, k uint32) []byte {
	bytes := binary.NativeEndian.AppendUint16(nil, code)
	return binary.NativeEndian.AppendUint32(append(bytes, jumpTrue, jumpFalse), k)
}

// install is a script that installs the filter.
func install(filter string) string {
	return "set_no_new_privs() C.seccomp_set_mode_filter(" + filter + ") "
}

var (
	refuseChdir = install(filter(unix.SYS_CHDIR, unix.SECCOMP_RET_ERRNO|uint32(unix.EDOM)))
)

var seccompCases = []scriptCase{
	{name: "H100 allow", script: `R(set_no_new_privs()) R(C.seccomp_set_mode_filter(` + allowAll + `)) R(status('Seccomp')) R(C.chdir('/'))`,
		sent: []string{"0,0", "0,0", "2", "0,0"}, then: `grep ^Seccomp: /proc/self/status`, stdout: "Seccomp:\t2\n"},
	{name: "a filter without no_new_privs needs CAP_SYS_ADMIN", in: initscript.NewUser, script: `R(C.seccomp_set_mode_filter(` + allowAll + `)) R(status('NoNewPrivs'))`,
		sent: []string{"0,0", "0"}},
	{name: "errno", script: refuseChdir + `errexit = false R(C.chdir('/')) R(C.access('/', C.F_OK))`,
		sent: []string{"-1,33", "0,0"}, then: `cd / 2>/dev/null || echo refused; mkdir d && echo made`, stdout: "refused\nmade\n"},
	{name: "errno through errexit", script: refuseChdir + `C.chdir('/')`,
		stderr: initPrefix + "/chdir: Numerical argument out of domain\n" + inMainChunk, err: callFailed("chdir", unix.EDOM, `"/"`)},
	{name: "filters add up", script: refuseChdir + install(allowAll) + `errexit = false R(C.chdir('/'))`, sent: []string{"-1,33"}},
	{name: "kill the process", script: install(filter(unix.SYS_CHDIR, unix.SECCOMP_RET_KILL_PROCESS)) + `S('alive') C.chdir('/') S('alive')`,
		sent: []string{"alive"}, err: killed(unix.SIGSYS)},
	{name: "kill the thread", script: install(filter(unix.SYS_CHDIR, unix.SECCOMP_RET_KILL_THREAD)) + `S('alive') C.chdir('/') S('alive')`,
		sent: []string{"alive"}, err: killed(unix.SIGSYS)},
	{name: "trap", script: install(filter(unix.SYS_CHDIR, unix.SECCOMP_RET_TRAP)) + `S('alive') C.chdir('/') S('alive')`,
		sent: []string{"alive"}, err: killed(unix.SIGSYS)},
	{name: "log", script: install(filter(unix.SYS_CHDIR, unix.SECCOMP_RET_LOG)) + `R(C.chdir('/'))`, sent: []string{"0,0"}},
	{name: "trace without a tracer", script: install(filter(unix.SYS_CHDIR, unix.SECCOMP_RET_TRACE)) + `errexit = false R(C.chdir('/'))`, sent: []string{"-1,38"}},
	{name: "a program that is killed is no script that is", script: install(filter(unix.SYS_CHDIR, unix.SECCOMP_RET_KILL_PROCESS)) + `S('done')`,
		sent: []string{"done"}, then: `echo alive; cd /`, stdout: "alive\n", signal: unix.SIGSYS},
	{name: "a string in the middle of memory", script: `set_no_new_privs() for i = 1, 8 do R(C.seccomp_set_mode_filter((('x'):rep(i) .. ` + allowAll + `):sub(i + 1))) end`,
		sent: []string{"0,0", "0,0", "0,0", "0,0", "0,0", "0,0", "0,0", "0,0"}},
}

// invalidFilter is refused before the kernel sees it, or by the kernel.
func invalidFilter(name, filter, report string) failureCase {
	return failureCase{name: name, before: "set_no_new_privs() local filter = " + filter, call: `C.seccomp_set_mode_filter(filter)`,
		errno: unix.EINVAL, report: "seccomp_set_mode_filter(" + report + ")"}
}

var seccompFailures = []failureCase{
	{name: "without no_new_privs", call: `C.seccomp_set_mode_filter(` + allowAll + `)`, errno: unix.EACCES,
		report: `seccomp_set_mode_filter("\006\000\000\000\000\000\255\127")`, as: ordinaryUser},
	invalidFilter("empty", `''`, `""`),
	invalidFilter("nil", `nil`, ``),
	invalidFilter("table", `{}`, `(table)`),
	invalidFilter("one instruction and a half", allowAll+` .. '1234'`, `"\006\000\000\000\000\000\255\1271234"`),
	invalidFilter("no instruction", `'12345678'`, `"12345678"`),
	invalidFilter("number", `12345678`, `"12345678"`),
	invalidFilter("more than the kernel takes", `(`+allowAll+`):rep(4097)`, longFilter),
	invalidFilter("65536 instructions", `(`+allowAll+`):rep(65536)`, longFilter),
	// Emilua cuts the count to 16 bits, and would install the first instruction.
	invalidFilter("65537 instructions", `(`+allowAll+`):rep(65537)`, longFilter),
}

// longFilter is how the report shows many instructions of allowAll: 256 bytes of them.
var longFilter = fmt.Sprintf("\"%s\"...", strings.Repeat(`\006\000\000\000\000\000\255\127`, 32))

func TestAPISeccomp(t *testing.T) {
	runCases(t, seccompCases)
	runFailures(t, seccompFailures)
}

// A failed filter must not be in force in part.
func TestTooLongFilterIsNotInstalled(t *testing.T) {
	now := seccompAtStart(t)
	refused := scriptCase{script: `set_no_new_privs() errexit = false for _, n in ipairs{65536, 65537, 131073} do ` +
		`R(C.seccomp_set_mode_filter((` + allowAll + `):rep(n))) R(status('Seccomp')) end`,
		sent: []string{"-1,22", now, "-1,22", now, "-1,22", now}}
	refused.run(t)
}

// What happens between the script and the program is under the filter too.
func TestFilterAgainstLauncher(t *testing.T) {
	r := runScript(t, install(filter(unix.SYS_CLOSE_RANGE, unix.SECCOMP_RET_ERRNO|uint32(unix.EPERM))), withProgram("/bin/echo", "program"))
	var setupError *initscript.SetupError
	if !errors.As(r.Err, &setupError) || setupError.Op != "close_range" || !errors.Is(r.Err, unix.EPERM) || r.Stdout != "" || r.State.ExitCode() != 1 {
		t.Errorf("%+v", r)
	}
}
