package initscript_test

import (
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// landlockABI is the kernel's version of Landlock, 0 without.
func landlockABI() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

func needsLandlock(abi int) func(*testing.T, *initscript.Cmd) {
	return func(t *testing.T, _ *initscript.Cmd) {
		switch have := landlockABI(); {
		case have == 0:
			requireLandlock(t)
		case have < abi:
			t.Skipf("needs Landlock ABI %d, the kernel has %d", abi, have)
		}
	}
}

const newNet = initscript.NewUser | initscript.NewNet

// restrict makes a ruleset from the table and confines the script by it. The second form of it
// adds rules for one TCP or UDP port each.
const restrict = `local function restrict(attr, ports) local rs = C.landlock_create_ruleset(attr) ` +
	`for port, rights in pairs(ports or {}) do R(C.landlock_add_rule(rs, 'net_port', {port = port, allowed_access = rights})) end ` +
	`set_no_new_privs() C.landlock_restrict_self(rs) errexit = false end `

// sockets makes what the table C has not; what they call gives 0 or errno.
const sockets = `local ffi = require 'ffi' ffi.cdef[[ int bind(int, const char *, unsigned); int connect(int, const char *, unsigned); ` +
	`int ioctl(int, unsigned long, void *); int kill(int, int); ]] ` +
	`local function result(value) return value == 0 and 0 or ffi.errno() end ` +
	`local function family(f) return ffi.string(ffi.new('uint16_t[1]', f), 2) end ` +
	`local function inet(port) return family(C.AF_INET) .. string.char(bit.rshift(port, 8), bit.band(port, 255)) .. ('\0'):rep(12) end ` +
	`local function call(f, kind, address) local s = C.socket(address:byte() == C.AF_UNIX and C.AF_UNIX or C.AF_INET, kind, 0) local r = result(ffi.C[f](s, address, #address)) C.close(s) return r end `

// abstractName is the address of a socket that the test itself listens at.
var abstractName = fmt.Sprintf("initscript-test-%d", os.Getpid())

func withAbstractListener(t *testing.T, cmd *initscript.Cmd) {
	needsLandlock(6)(t, cmd)
	listener, err := net.Listen("unix", "@"+abstractName)
	must(t, err)
	t.Cleanup(func() { listener.Close() })
}

var extLandlockCases = []scriptCase{
	// Where loopback is down, what is allowed is answered by ENETUNREACH.
	{name: "bind_tcp", in: newNet, set: needsLandlock(4), script: sockets + restrict + `restrict({handled_access_net = {'bind_tcp'}}, {[8080] = {'bind_tcp'}}) ` +
		`R(call('bind', C.SOCK_STREAM, inet(8080))) R(call('bind', C.SOCK_STREAM, inet(8081))) R(call('bind', C.SOCK_STREAM, inet(0))) ` +
		`R(call('bind', C.SOCK_DGRAM, inet(8081))) R(call('connect', C.SOCK_STREAM, inet(8081)))`, sent: []string{"0,0", "0", "13", "13", "0", "101"}},
	{name: "connect_tcp", in: newNet, set: needsLandlock(4), script: sockets + restrict + `restrict({handled_access_net = {'connect_tcp'}}, {[443] = {'connect_tcp'}}) ` +
		`R(call('connect', C.SOCK_STREAM, inet(443))) R(call('connect', C.SOCK_STREAM, inet(80))) R(call('bind', C.SOCK_STREAM, inet(80)))`, sent: []string{"0,0", "101", "13", "0"}},
	{name: "port 0 stands for ports that the kernel chooses", in: newNet, set: needsLandlock(4), script: sockets + restrict +
		`restrict({handled_access_net = {'bind_tcp'}}, {[0] = {'bind_tcp'}}) R(call('bind', C.SOCK_STREAM, inet(0))) R(call('bind', C.SOCK_STREAM, inet(8080)))`,
		sent: []string{"0,0", "0", "13"}},
	{name: "the network and files", in: newNet, set: needsLandlock(4), script: sockets + restrict + `restrict({handled_access_net = {'bind_tcp'}, handled_access_fs = {'make_dir'}}) ` +
		`R(call('bind', C.SOCK_STREAM, inet(8080))) R(C.mkdir('d', 0)) R(C.mkfifo('f', 0))`, sent: []string{"13", "-1,13", "0,0"}},
	{name: "ioctl_dev", set: needsLandlock(5), script: sockets + landlockRules + `local rs = C.landlock_create_ruleset({handled_access_fs = {'ioctl_dev'}}) ` +
		`allow(rs, '/dev/zero', {'ioctl_dev'}) local before = C.open('/dev/null', C.O_RDONLY) set_no_new_privs() C.landlock_restrict_self(rs) ` +
		`for _, fd in ipairs({before, C.open('/dev/null', C.O_RDONLY), (C.open('/dev/zero', C.O_RDONLY))}) do R(result(ffi.C.ioctl(fd, 0x5401, nil))) end`,
		sent: []string{"25", "13", "25"}}, // ENOTTY is the device's own answer to TCGETS
	{name: "scoped signal", set: needsLandlock(6), script: sockets + restrict + `R(result(ffi.C.kill(C.getppid(), 0))) restrict({scoped = {'signal'}}) ` +
		`R(result(ffi.C.kill(C.getppid(), 0))) R(result(ffi.C.kill(C.getpid(), 0)))`, sent: []string{"0", "1", "0"}},
	{name: "scoped abstract_unix_socket", set: withAbstractListener, script: sockets + restrict + `local there, here = family(C.AF_UNIX) .. '\0` + abstractName + `', '\0` + abstractName + `-inside' ` +
		`R(call('connect', C.SOCK_STREAM, there)) restrict({scoped = {'abstract_unix_socket'}}) R(call('connect', C.SOCK_STREAM, there)) ` +
		`local s = C.socket(C.AF_UNIX, C.SOCK_STREAM, 0) bind_unix(s, here) C.listen(s, 1) R(call('connect', C.SOCK_STREAM, family(C.AF_UNIX) .. here))`,
		sent: []string{"0", "1", "0"}},
	{name: "resolve_unix", set: needsLandlock(9), script: sockets + restrict + `local s = C.socket(C.AF_UNIX, C.SOCK_STREAM, 0) bind_unix(s, 's') C.listen(s, 1) local there = family(C.AF_UNIX) .. 's\0' ` +
		`R(call('connect', C.SOCK_STREAM, there)) restrict({handled_access_fs = {'resolve_unix'}}) R(call('connect', C.SOCK_STREAM, there))`, sent: []string{"0", "13"}},
	{name: "bind_udp", in: newNet, set: needsLandlock(10), script: sockets + restrict + `restrict({handled_access_net = {'bind_udp'}}, {[53] = {'bind_udp'}}) ` +
		`R(call('bind', C.SOCK_DGRAM, inet(53))) R(call('bind', C.SOCK_DGRAM, inet(54))) R(call('bind', C.SOCK_STREAM, inet(54)))`, sent: []string{"0,0", "0", "13", "0"}},
	{name: "connect_send_udp", in: newNet, set: needsLandlock(10), script: sockets + restrict + `restrict({handled_access_net = {'connect_send_udp'}}, {[53] = {'connect_send_udp'}}) ` +
		`R(call('connect', C.SOCK_DGRAM, inet(53))) R(call('connect', C.SOCK_DGRAM, inet(54)))`, sent: []string{"0,0", "101", "13"}},
	{name: "restrict_self with flags", set: needsLandlock(7), script: `set_no_new_privs() for _, flags in ipairs({{}, {'log_same_exec_off'}, {'log_new_exec_on'}, {'log_subdomains_off'}, ` +
		`{'log_same_exec_off', 'log_new_exec_on', 'log_subdomains_off'}}) do R(C.landlock_restrict_self(C.landlock_create_ruleset({handled_access_fs = {'make_dir'}}), flags)) end ` +
		`R(C.landlock_restrict_self(-1, {'log_subdomains_off'})) errexit = false R(C.mkdir('d', 0))`, sent: []string{"0,0", "0,0", "0,0", "0,0", "0,0", "0,0", "-1,13"}},
	{name: "restrict_self with no_new_privs", set: needsLandlock(11), as: ordinaryUser, script: `local rs = C.landlock_create_ruleset({handled_access_fs = {'make_dir'}}) ` +
		`R(C.landlock_restrict_self(rs, {'no_new_privs'})) R(status('NoNewPrivs')) errexit = false R(C.mkdir('d', 0))`, sent: []string{"0,0", "1", "-1,13"}},
	{name: "errata", set: needsLandlock(7), script: `local errata, e = C.landlock_create_ruleset(nil, {'errata'}) R(errata >= 0, e)`, sent: []string{"true,0"}},

	// What the kernel would have got, in place of errno.
	{name: "sizes of attr", script: install(echo(unix.SYS_LANDLOCK_CREATE_RULESET, secondArgument)) + `errexit = false for _, attr in ipairs({{}, {handled_access_fs = {'execute'}}, ` +
		`{handled_access_fs = {'execute'}, handled_access_net = {}, scoped = {}, quiet_access_fs = {}, quiet_access_net = {}, quiet_scoped = {}}, {handled_access_net = {'bind_tcp'}}, ` +
		`{scoped = {'signal'}}, {quiet_access_fs = {'execute'}}, {quiet_access_net = {'bind_tcp'}}, {quiet_scoped = {'signal'}}}) do R(C.landlock_create_ruleset(attr)) end ` +
		`R(C.landlock_create_ruleset(nil, {'version'}))`,
		sent: []string{"-1,8", "-1,8", "-1,8", "-1,16", "-1,24", "-1,48", "-1,48", "-1,48", "0,0"}},
	{name: "flags of create_ruleset", script: install(echo(unix.SYS_LANDLOCK_CREATE_RULESET, thirdArgument)) +
		`errexit = false for _, flags in ipairs({{'version'}, {'errata'}, {'errata', 'version'}}) do R(C.landlock_create_ruleset(nil, flags)) end`, sent: []string{"-1,1", "-1,2", "-1,3"}},
	{name: "types of rules", script: install(echo(unix.SYS_LANDLOCK_ADD_RULE, secondArgument)) +
		`errexit = false R(C.landlock_add_rule(0, 'path_beneath', {})) R(C.landlock_add_rule(0, 'net_port', {}))`, sent: []string{"-1,1", "-1,2"}},
	{name: "flags of add_rule", script: install(echo(unix.SYS_LANDLOCK_ADD_RULE, fourthArgument)) +
		`errexit = false R(C.landlock_add_rule(0, 'path_beneath', {}, {'quiet'})) R(C.landlock_add_rule(0, 'net_port', {}, {'quiet'}))`, sent: []string{"-1,1", "-1,1"}},
	{name: "flags of restrict_self", script: install(echo(unix.SYS_LANDLOCK_RESTRICT_SELF, secondArgument)) + `errexit = false for _, flag in ipairs({'log_same_exec_off', 'log_new_exec_on', ` +
		`'log_subdomains_off', 'tsync', 'no_new_privs'}) do R(C.landlock_restrict_self(-1, {flag})) end`, sent: []string{"-1,1", "-1,2", "-1,4", "-1,8", "-1,16"}},
}

const bindRuleset = `local rs = C.landlock_create_ruleset({handled_access_net = {'bind_tcp'}}) `

var extLandlockFailures = []failureCase{
	{name: "no port", before: bindRuleset, call: `C.landlock_add_rule(rs, 'net_port', {allowed_access = {'bind_tcp'}})`, errno: unix.EINVAL, report: `landlock_add_rule(5, "net_port", (table))`},
	{name: "no such port", before: bindRuleset, call: `C.landlock_add_rule(rs, 'net_port', {allowed_access = {'bind_tcp'}, port = 65536})`, errno: unix.EINVAL,
		report: `landlock_add_rule(5, "net_port", (table))`},
	{name: "no access", before: bindRuleset, call: `C.landlock_add_rule(rs, 'net_port', {port = 1})`, errno: unix.ENOMSG, report: `landlock_add_rule(5, "net_port", (table))`},
	{name: "not handled", before: bindRuleset, call: `C.landlock_add_rule(rs, 'net_port', {port = 1, allowed_access = {'connect_tcp'}})`, errno: unix.EINVAL,
		report: `landlock_add_rule(5, "net_port", (table))`},
	{name: "no ruleset", before: `set_no_new_privs()`, call: `C.landlock_restrict_self(-1)`, errno: unix.EBADF, report: `landlock_restrict_self(-1)`},
	{name: "no ruleset with a flag that needs one", before: `set_no_new_privs()`, call: `C.landlock_restrict_self(-1, {'log_new_exec_on'})`, errno: unix.EBADF,
		report: `landlock_restrict_self(-1, (table))`},
	{name: "two questions", call: `C.landlock_create_ruleset(nil, {'version', 'errata'})`, errno: unix.EINVAL, report: `landlock_create_ruleset(nil, (table))`},
}

// The messages follow those of what Emilua has: some come with the position and some do not.
var extLandlockRaises = []raiseCase{
	{`C.landlock_create_ruleset({handled_access_net = 'bind_tcp'})`, `invalid handled_access_net`},
	{`C.landlock_create_ruleset({handled_access_net = {'execute'}})`, `invalid LANDLOCK_ACCESS_NET`},
	{`C.landlock_create_ruleset({scoped = 'signal'})`, `invalid scoped`},
	{`C.landlock_create_ruleset({scoped = {'signal', 'x'}})`, `invalid LANDLOCK_SCOPE`},
	{`C.landlock_create_ruleset({quiet_access_fs = 1})`, `invalid quiet_access_fs`},
	{`C.landlock_create_ruleset({quiet_access_fs = {'bind_tcp'}})`, `invalid LANDLOCK_ACCESS_FS`},
	{`C.landlock_create_ruleset({quiet_access_net = 1})`, `invalid quiet_access_net`},
	{`C.landlock_create_ruleset({quiet_access_net = {1}})`, `invalid LANDLOCK_ACCESS_NET`},
	{`C.landlock_create_ruleset({quiet_scoped = 1})`, `invalid quiet_scoped`},
	{`C.landlock_create_ruleset({quiet_scoped = {{}}})`, `invalid LANDLOCK_SCOPE`},
	{`C.landlock_create_ruleset({['scoped\0'] = {}})`, `invalid ruleset attr`},
	{`C.landlock_create_ruleset({handled_access_net = {nil, 'bind_tcp'}})`, noList(1,
		"landlock_create_ruleset", "handled_access_net")},
	{`C.landlock_create_ruleset({scoped = {signal = true}})`, noList(1, "landlock_create_ruleset",
		"scoped")},
	{`C.landlock_create_ruleset({quiet_access_fs = {[2] = 'execute'}})`, noList(1,
		"landlock_create_ruleset", "quiet_access_fs")},
	{`C.landlock_create_ruleset({quiet_access_net = {[0] = 'bind_tcp'}})`, noList(1,
		"landlock_create_ruleset", "quiet_access_net")},
	{`C.landlock_create_ruleset({quiet_scoped = {'signal', [1.5] = 'signal'}})`, noList(1,
		"landlock_create_ruleset", "quiet_scoped")},
	{`C.landlock_add_rule(3, 'net_port', {allowed_access = {nil, 'bind_tcp'}, port = 1})`, noList(3,
		"landlock_add_rule", "allowed_access")},
	{`C.landlock_add_rule(3, 'net_port', {port = 80.5})`,
		`init.script:1: bad argument #3 to 'landlock_add_rule' (port: 80.5 is not an integer)`},
	{`C.landlock_add_rule(3, 'net_port', {port = 1}, {quiet = true})`, noList(4, "landlock_add_rule",
		"the table")},
	{`C.landlock_restrict_self(3, {nil, 'no_new_privs'})`, noList(2, "landlock_restrict_self",
		"the table")},
	{`C.landlock_add_rule(3, 'net_port', {1})`, `init.script:1: invalid net_port attr`},
	{`C.landlock_add_rule(3, 'net_port', {parent_fd = 1})`, `invalid net_port attr`},
	{`C.landlock_add_rule(3, 'net_port', {allowed_access = 1})`, `invalid allowed_access`},
	{`C.landlock_add_rule(3, 'net_port', {allowed_access = {'execute'}})`, `invalid LANDLOCK_ACCESS_NET`},
	{`C.landlock_add_rule(3, 'net_port', {port = '1'})`, `invalid port`},
	{`C.landlock_add_rule(3, 'path_beneath', {port = 1})`, `invalid path_beneath attr`},
	{`C.landlock_add_rule(3, 'path_beneath', {}, {'nope'})`, `init.script:1: invalid LANDLOCK_ADD_RULE flag`},
	{`C.landlock_add_rule(3, 'net_port', {}, {1})`, `init.script:1: invalid LANDLOCK_ADD_RULE flag`},
	{`C.landlock_add_rule(3, 'net_port', {}, 'quiet')`, `init.script:1: nil expected for argument 4`},
	{`C.landlock_add_rule(3, 'net_port', {port = {}}, {'nope'})`, `invalid port`}, // attr is checked first
	{`C.landlock_restrict_self(3, {'nope'})`, `init.script:1: invalid LANDLOCK_RESTRICT_SELF flag`},
	{`C.landlock_restrict_self(3, 'tsync')`, `init.script:1: nil expected for argument 2`},
}

func TestExtensionLandlock(t *testing.T) {
	runRaises(t, extLandlockRaises)
	runCases(t, extLandlockCases)
	needsLandlock(4)(t, nil)
	runFailures(t, extLandlockFailures)
}

// A kernel that is too old must refuse what it does not know: the script would go on with less
// protection than it asked for.
func TestLandlockByABI(t *testing.T) {
	needsLandlock(1)(t, nil)
	tests := []struct {
		call  string
		abi   int // that has it
		field int // the ABI that has the field of attr, 0: that is not the question
	}{
		{`C.landlock_create_ruleset({handled_access_fs = {'execute'}})`, 1, 1},
		{`C.landlock_create_ruleset({handled_access_fs = {'refer'}})`, 2, 1},
		{`C.landlock_create_ruleset({handled_access_fs = {'truncate'}})`, 3, 1},
		{`C.landlock_create_ruleset({handled_access_net = {'bind_tcp', 'connect_tcp'}})`, 4, 4},
		{`C.landlock_create_ruleset({handled_access_fs = {'ioctl_dev'}})`, 5, 1},
		{`C.landlock_create_ruleset({scoped = {'abstract_unix_socket', 'signal'}})`, 6, 6},
		{`C.landlock_restrict_self(rs, {'log_same_exec_off', 'log_new_exec_on', 'log_subdomains_off'})`, 7, 0},
		{`C.landlock_restrict_self(rs, {'tsync'})`, 8, 0},
		{`C.landlock_create_ruleset({handled_access_fs = {'resolve_unix'}})`, 9, 1},
		{`C.landlock_create_ruleset({handled_access_net = {'bind_udp'}})`, 10, 4},
		{`C.landlock_create_ruleset({handled_access_net = {'connect_send_udp'}})`, 10, 4},
		{`C.landlock_create_ruleset({handled_access_fs = {'execute'}, quiet_access_fs = {'execute'}})`, 10, 10},
		{`C.landlock_create_ruleset({handled_access_net = {'bind_tcp'}, quiet_access_net = {'bind_tcp'}})`, 10, 10},
		{`C.landlock_create_ruleset({scoped = {'signal'}, quiet_scoped = {'signal'}})`, 10, 10},
		{`C.landlock_add_rule(rs, 'path_beneath', {allowed_access = {'execute'}, parent_fd = C.open('/', C.O_PATH)}, {'quiet'})`, 10, 0},
		{`C.landlock_restrict_self(rs, {'no_new_privs'})`, 11, 0},
	}
	for _, test := range tests {
		t.Run(test.call, func(t *testing.T) {
			want := "true,0"
			switch have := landlockABI(); {
			case have < test.field:
				want = fmt.Sprintf("false,%d", int(unix.E2BIG))
			case have < test.abi:
				want = fmt.Sprintf("false,%d", int(unix.EINVAL))
			}
			c := scriptCase{script: `set_no_new_privs() ` + executeRuleset + `errexit = false local r, e = ` + test.call + ` R(r >= 0, e)`, sent: []string{want}}
			c.run(t)
		})
	}
}
