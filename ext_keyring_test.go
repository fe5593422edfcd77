package initscript_test

import (
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// ownKeyring makes a session keyring, and the function key(id), which returns what /proc/keys says
// of a key: its flags, its permissions and its description.
const ownKeyring = `local session = C.keyctl(C.KEYCTL_JOIN_SESSION_KEYRING) ` +
	`local function key(id) for line in io.lines('/proc/keys') do ` +
	`local number, flags, perm, name = line:match('^(%x+) (%S+) +%S+ +%S+ +(%x+) +%S+ +%S+ +%S+ +([^:]+)') ` +
	`if number and tonumber(number, 16) == id then return flags, perm, name end end return 'none' end `

// linkedKeyring also makes the keyring of the process and puts it into that of the session.
const linkedKeyring = ownKeyring + `local id = C.keyctl(C.KEYCTL_GET_KEYRING_ID, C.KEY_SPEC_PROCESS_KEYRING, 1) ` +
	`R(C.keyctl(C.KEYCTL_LINK, id, session)) R(select(3, key(id))) `

func needsKeyrings(t *testing.T, _ *initscript.Cmd) {
	t.Helper()
	_, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
	if err == unix.ENOSYS || err == unix.EPERM {
		t.Skipf("needs keyctl(2): %v", err)
	}
}

var extKeyringCases = []scriptCase{
	{name: "KEYCTL_JOIN_SESSION_KEYRING", set: needsKeyrings, script: `local function current() ` +
		`return (C.keyctl(C.KEYCTL_GET_KEYRING_ID, C.KEY_SPEC_SESSION_KEYRING, 0)) end local before = current() ` + ownKeyring +
		`R(session > 0, session ~= before, session == current(), select(3, key(session)))`,
		sent: []string{"true,true,true,_ses"}},
	{name: "KEYCTL_JOIN_SESSION_KEYRING by name", set: needsKeyrings, script: ownKeyring +
		`local id, errno = C.keyctl(C.KEYCTL_JOIN_SESSION_KEYRING, 'initscript test') R(errno, select(3, key(id))) ` +
		`C.keyctl(C.KEYCTL_SETPERM, id, 0x3f3f0000) C.keyctl(C.KEYCTL_LINK, id, C.KEY_SPEC_PROCESS_KEYRING) ` +
		`C.keyctl(C.KEYCTL_JOIN_SESSION_KEYRING) ` +
		`R(id == C.keyctl(C.KEYCTL_JOIN_SESSION_KEYRING, 'initscript test'))`,
		sent: []string{"0,initscript test", "true"},
		then: `grep -q 'initscript test' /proc/keys && echo joined`, stdout: "joined\n"},
	{name: "KEYCTL_LINK, KEYCTL_UNLINK", set: needsKeyrings, script: linkedKeyring +
		`R(C.keyctl(C.KEYCTL_UNLINK, id, C.KEY_SPEC_SESSION_KEYRING)) errexit = false ` +
		`R(C.keyctl(C.KEYCTL_UNLINK, id, session))`,
		sent: []string{"0,0", "_pid", "0,0", "-1,2"}},
	{name: "KEYCTL_CLEAR", set: needsKeyrings,
		script: linkedKeyring + `R(C.keyctl(C.KEYCTL_CLEAR, session)) errexit = false ` +
			`R(C.keyctl(C.KEYCTL_UNLINK, id, session))`, sent: []string{"0,0", "_pid", "0,0", "-1,2"}},
	{name: "KEYCTL_REVOKE", set: needsKeyrings,
		script: linkedKeyring + `R(C.keyctl(C.KEYCTL_REVOKE, id)) R((key(id):match('R'))) ` +
			`errexit = false R(C.keyctl(C.KEYCTL_CLEAR, id))`, sent: []string{"0,0", "_pid", "0,0", "R",
			"-1,128"}},
	{name: "KEYCTL_INVALIDATE", set: needsKeyrings,
		script: linkedKeyring + `R(C.keyctl(C.KEYCTL_INVALIDATE, id)) ` +
			`errexit = false R(C.keyctl(C.KEYCTL_CLEAR, id))`, sent: []string{"0,0", "_pid", "0,0", "-1,126"}},
	{name: "KEYCTL_SETPERM", set: needsKeyrings,
		script: linkedKeyring + `R(C.keyctl(C.KEYCTL_SETPERM, id, 0x3f010000)) ` +
			`R((select(2, key(id))))`, sent: []string{"0,0", "_pid", "0,0", "3f010000"}},
	{name: "KEYCTL_SET_TIMEOUT", set: needsKeyrings,
		script: linkedKeyring + `R(C.keyctl(C.KEYCTL_SET_TIMEOUT, id, 7000)) ` +
			`for line in io.lines('/proc/keys') do if tonumber(line:match('^%x+'), 16) == id then R(line:match('%S+ +%S+ +%S+ +(%S+)')) end end`,
		sent: []string{"0,0", "_pid", "0,0", "1h"}},
	{name: "keyctl calls the kernel for known operations only", script: install(filter(unix.SYS_KEYCTL,
		unix.SECCOMP_RET_KILL_PROCESS)) +
		`errexit = false R(C.keyctl(11, 1)) S('alive') C.keyctl(C.KEYCTL_CLEAR, C.KEY_SPEC_SESSION_KEYRING) S('alive')`,
		sent: []string{"-1,22", "alive"}, err: killed(unix.SIGSYS)},
}

// refuseKeyctl is what Docker's profile does.
var refuseKeyctl = install(filter(unix.SYS_KEYCTL, unix.SECCOMP_RET_ERRNO|uint32(unix.EPERM)))

var extKeyringFailures = []failureCase{
	{name: "KEYCTL_READ", call: `C.keyctl(11, 1)`, errno: unix.EINVAL, report: `keyctl(11, 1)`},
	{name: "refused by a filter", before: refuseKeyctl, call: `C.keyctl(C.KEYCTL_JOIN_SESSION_KEYRING)`,
		errno:  unix.EPERM,
		report: `keyctl(1)`},
}

var extKeyringRaises = []raiseCase{
	{`C.keyctl()`, `init.script:1: bad argument #1 to 'keyctl' (number expected, got no value)`},
	{`C.keyctl(C.KEYCTL_JOIN_SESSION_KEYRING, {})`,
		`init.script:1: bad argument #2 to 'keyctl' (string expected, got table)`},
	{`C.keyctl(C.KEYCTL_JOIN_SESSION_KEYRING, 'a\0b')`, badArgument(2, "keyctl",
		`"a" is followed by a NUL byte`)},
	{`C.keyctl(C.KEYCTL_JOIN_SESSION_KEYRING, nil, 1)`, badArgument(3, "keyctl",
		`1 is not an integer from 0 to 0`)},
	{`C.keyctl(C.KEYCTL_CLEAR)`, `init.script:1: bad argument #2 to 'keyctl' (number expected, got no value)`},
	{`C.keyctl(C.KEYCTL_CLEAR, 2^32 + 5)`,
		badArgument(2, "keyctl", `4294967301 is not an integer from -2147483648 to 2147483647`)},
	{`C.keyctl(C.KEYCTL_CLEAR, 5, 6)`, badArgument(3, "keyctl", `6 is not an integer from 0 to 0`)},
	{`C.keyctl(C.KEYCTL_LINK, 5)`, `init.script:1: bad argument #3 to 'keyctl' (number expected, got no value)`},
	{`C.keyctl(C.KEYCTL_LINK, 5, 1.5)`, badArgument(3, "keyctl",
		`1.5 is not an integer from -2147483648 to 2147483647`)},
	{`C.keyctl(C.KEYCTL_GET_KEYRING_ID, -3, 2)`, badArgument(3, "keyctl",
		`2 is not an integer from 0 to 1`)},
	{`C.keyctl(C.KEYCTL_SETPERM, 5, 0x40000000)`, badArgument(3, "keyctl",
		`1073741824 is not an integer from 0 to 1061109567`)},
	{`C.keyctl(C.KEYCTL_SET_TIMEOUT, 5, -1)`, badArgument(3, "keyctl",
		`-1 is not an integer from 0 to 4294967295`)},
}

func TestExtensionKeyrings(t *testing.T) {
	runCases(t, extKeyringCases)
	runFailures(t, extKeyringFailures)
	runRaises(t, extKeyringRaises)
}
