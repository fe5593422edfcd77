package initscript_test

import (
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

var credentialCases = []scriptCase{
	{name: "H68 ids for good", as: privileged, script: `R(C.setresgid(1, 1, 1)) R(C.setresuid(1, 1, 1)) R(C.setresgid(-1, -1, -1)) R(C.setresuid(-1, -1, -1)) ` +
		`errexit = false R(C.setresuid(0, 0, 0)) R(C.setresgid(0, 0, 0))`,
		sent: []string{"0,0", "0,0", "0,0", "0,0", "-1,1", "-1,1"}, then: `id -u; id -g`, stdout: "1\n1\n"},
	{name: "the saved id brings root back", as: privileged, script: `R(C.setresuid(1, 2, 0)) R(status('Uid')) R(C.setresuid(-1, 0, -1)) R(status('Uid')) ` +
		`R(C.setresgid(3, 4, 5)) R(status('Gid'))`,
		sent: []string{"0,0", "1\t2\t0\t2", "0,0", "1\t0\t0\t0", "0,0", "3\t4\t5\t4"}},
	{name: "ids are cut to 32 bits", as: privileged, script: `C.setresgid(2^32 + 6, 6, '6') C.setresuid(2^32 + 5, 5.9, '0x5')`,
		then: `id -u; id -g`, stdout: "5\n6\n"},
	{name: "H64 no groups", as: privileged, script: `R(C.setgroups({}))`, sent: []string{"0,0"},
		then: `grep -c '^Groups:[[:space:]]*$' /proc/self/status`, stdout: "1\n"},
	{name: "setgroups", as: privileged, script: `R(C.setgroups({3, 4.9, 2^32 + 5}))`, sent: []string{"0,0"},
		then: `grep ^Groups /proc/self/status`, stdout: "Groups:\t3 4 5 \n"},
	{name: "setgroups up to the first hole", as: privileged, script: `R(C.setgroups({5, nil, 7}))`, sent: []string{"0,0"},
		then: `grep ^Groups /proc/self/status`, stdout: "Groups:\t5 \n"},
	{name: "setgroups reads the list raw", as: privileged, script: `R(C.setgroups(setmetatable({5}, {__index = function() return 6 end})))`, sent: []string{"0,0"},
		then: `grep ^Groups /proc/self/status`, stdout: "Groups:\t5 \n"},
	{name: "setresuid and setresgid inside of a user namespace", in: initscript.NewUser, script: `R(C.setresgid(0, 0, 0)) R(C.setresuid(0, 0, 0)) ` +
		`errexit = false R(C.setresgid(1, 1, 1)) R(C.setresuid(1, 1, 1))`, // not mapped
		sent: []string{"0,0", "0,0", "-1,22", "-1,22"}},
}

var credentialFailures = []failureCase{
	{call: `C.setresuid(0, 0, 0)`, errno: unix.EPERM, report: `setresuid(0, 0, 0)`, as: ordinaryUser},
	{call: `C.setresgid(0, 0, 0)`, errno: unix.EPERM, report: `setresgid(0, 0, 0)`, as: ordinaryUser},
	{call: `C.setgroups({0})`, errno: unix.EPERM, report: `setgroups((table))`, as: ordinaryUser},
	{name: "too many", before: `local list = {} for i = 1, 70000 do list[i] = i end`, call: `C.setgroups(list)`, errno: unix.EINVAL,
		report: `setgroups((table))`, as: privileged},
}

var credentialDeaths = []deathCase{
	{name: "H66", call: `C.setgroups, {'1'}`, part: "setgroups", report: `(table)`},
	{call: `C.setgroups, {1, true}`, part: "setgroups", report: `(table)`},
	{call: `C.setgroups, {{}}`, part: "setgroups", report: `(table)`},
}

func TestAPICredentials(t *testing.T) {
	runCases(t, credentialCases)
	runFailures(t, credentialFailures)
	runDeaths(t, credentialDeaths)
}

// Capabilities: a user namespace gives all of them.

const noCapabilities = "0000000000000000"

var capabilityCases = []scriptCase{
	{name: "H69 no capabilities", in: newNames, script: `R(C.cap_set_proc('=')) R(status('CapInh'), status('CapPrm'), status('CapEff')) ` +
		`errexit = false R(C.sethostname('h'))`,
		sent: []string{"0,0", noCapabilities + "," + noCapabilities + "," + noCapabilities, "-1,1"}},
	{name: "cap_set_proc", in: initscript.NewUser, script: `R(C.cap_set_proc('cap_chown=eip cap_kill+p')) R(status('CapInh'), status('CapPrm'), status('CapEff'))`,
		sent: []string{"0,0", "0000000000000001,0000000000000021,0000000000000001"}},
	{name: "cap_set_proc of an empty text", in: initscript.NewUser, script: `R(C.cap_set_proc('')) R(status('CapPrm'))`, sent: []string{"0,0", noCapabilities}},
	{name: "cap_drop_bound", in: initscript.NewUser, script: `local function bounding() return tonumber(status('CapBnd'):sub(-2), 16) end ` +
		`local before = bounding() R(C.cap_drop_bound('cap_chown')) R(before - bounding()) R(C.cap_drop_bound('CAP_KILL')) R(before - bounding()) ` +
		`R(C.cap_drop_bound('1')) R(before - bounding())`,
		sent: []string{"0,0", "1", "0,0", "33", "0,0", "35"}},
	{name: "cap_set_ambient and cap_reset_ambient", in: initscript.NewUser, script: `C.cap_set_proc('cap_chown,cap_kill=eip') ` +
		`R(C.cap_set_ambient('CAP_CHOWN', true)) R(C.cap_set_ambient('5', true)) R(status('CapAmb')) ` +
		`R(C.cap_set_ambient('cap_chown', false)) R(status('CapAmb')) R(C.cap_reset_ambient()) R(status('CapAmb'))`,
		sent: []string{"0,0", "0,0", "0000000000000021", "0,0", "0000000000000020", "0,0", noCapabilities}},
	{name: "cap_set_secbits keeps root from being special", in: initscript.NewUser,
		script: `R(C.cap_set_secbits(bit.bor(C.SECBIT_NOROOT, C.SECBIT_NOROOT_LOCKED))) C.cap_set_proc('=')`, sent: []string{"0,0"},
		then: `grep ^CapEff /proc/self/status`, stdout: "CapEff:\t" + noCapabilities + "\n"},
	{name: "an ambient capability reaches the program", in: initscript.NewUser,
		script: `C.cap_set_secbits(C.SECBIT_NOROOT) C.cap_set_proc('cap_kill=eip') C.cap_set_ambient('cap_kill', true)`,
		then:   `grep ^CapEff /proc/self/status`, stdout: "CapEff:\t0000000000000020\n"},
	{name: "one capability for an ordinary user", as: privileged,
		script: `C.cap_set_secbits(C.SECBIT_KEEP_CAPS) C.setgroups({}) C.setresgid(1, 1, 1) C.setresuid(1, 1, 1) ` +
			`C.cap_set_proc('cap_chown=eip') C.cap_set_ambient('cap_chown', true)`,
		then: `touch f 2>/dev/null && chown 7 f && stat -c %u f; grep ^CapEff /proc/self/status`, stdout: "7\nCapEff:\t0000000000000001\n"},
}

var capabilityFailures = []failureCase{
	{call: `C.cap_set_proc('cap_chown=ep')`, errno: unix.EPERM, report: `cap_set_proc("cap_chown=ep")`, as: ordinaryUser},
	{call: `C.cap_drop_bound('cap_chown')`, errno: unix.EPERM, report: `cap_drop_bound("cap_chown")`, as: ordinaryUser},
	{call: `C.cap_set_ambient('cap_chown', true)`, errno: unix.EPERM, report: `cap_set_ambient("cap_chown", true)`, as: ordinaryUser},
	{name: "locked", before: `C.cap_set_secbits(C.SECBIT_NO_CAP_AMBIENT_RAISE) C.cap_set_proc('cap_chown=eip')`, call: `C.cap_set_ambient('cap_chown', true)`,
		errno: unix.EPERM, report: `cap_set_ambient("cap_chown", true)`, in: initscript.NewUser},
	{call: `C.cap_set_secbits(C.SECBIT_NOROOT)`, errno: unix.EPERM, report: `cap_set_secbits(1)`, as: ordinaryUser},
	{name: "unknown bits", call: `C.cap_set_secbits(-1)`, errno: unix.EPERM, report: `cap_set_secbits(-1)`, in: initscript.NewUser},
	{name: "which only a filter can refuse", before: `C.cap_set_proc('cap_chown=eip') C.cap_set_ambient('cap_chown', true) ` +
		install(prctlFilter(unix.PR_CAP_AMBIENT_CLEAR_ALL, unix.SECCOMP_RET_ERRNO|uint32(unix.EPERM))),
		call: `C.cap_reset_ambient()`, errno: unix.EPERM, report: `cap_reset_ambient()`, in: initscript.NewUser},
}

var capabilityDeaths = []deathCase{
	{name: "H70", call: `C.cap_set_proc, 'bogus'`, part: "cap_set_proc", report: `"bogus"`},
	{name: "H71", call: `C.cap_drop_bound, 'nope'`, part: "cap_drop_bound", report: `"nope"`},
	{name: "without its prefix", call: `C.cap_drop_bound, 'sys_admin'`, part: "cap_drop_bound", report: `"sys_admin"`},
	// The name is looked up before the boolean is checked.
	{call: `C.cap_set_ambient, 'nope', 1`, part: "cap_set_ambient", report: `"nope", 1`},
}

var capabilityRaises = []raiseCase{
	{`C.cap_set_ambient('cap_chown', 1)`, `init.script:1: bad argument #2 to 'cap_set_ambient' (boolean expected, got number)`}, // H72
	{`C.cap_set_ambient('cap_chown', nil)`, `init.script:1: bad argument #2 to 'cap_set_ambient' (boolean expected, got nil)`},
}

func TestAPICapabilities(t *testing.T) {
	runCases(t, capabilityCases)
	runFailures(t, capabilityFailures)
	runDeaths(t, capabilityDeaths)
	runRaises(t, capabilityRaises)
}
