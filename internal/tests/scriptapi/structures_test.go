package scriptapi_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/lua"
	"github.com/go-initscript/initscript/seccomp"
	"golang.org/x/sys/unix"
)

// systemCall is one that the kernel is about to make, with what its arguments point to.
type systemCall struct {
	lua    string
	number uintptr
	args   []any // the []byte that is at the address, a uint64, or an int, of which 32 bits count
}

// words returns a structure of 64-bit fields.
func words(fields ...uint64) []byte {
	var b []byte
	for _, field := range fields {
		b = binary.NativeEndian.AppendUint64(b, field)
	}
	return b
}

// pathBeneath returns a struct landlock_path_beneath_attr, which is packed.
func pathBeneath(access uint64, fd int32) []byte {
	return binary.NativeEndian.AppendUint32(words(access), uint32(fd))
}

const (
	createRuleset = unix.SYS_LANDLOCK_CREATE_RULESET
	addRule       = unix.SYS_LANDLOCK_ADD_RULE
	restrictSelf  = unix.SYS_LANDLOCK_RESTRICT_SELF
)

// texts returns what a list may have, from the definitions.
func texts(t *testing.T, list string) (all []string) {
	t.Helper()
	blocks, err := definitions.Parse(lua.Definitions)
	testkit.Must(t, err)
	for _, block := range blocks {
		if block.Name == "initscript."+list {
			for _, value := range block.Values {
				all = append(all, strings.Trim(value.Name, `"`))
			}
		}
	}
	return all
}

// structureCalls have the numbers of the kernel's documentation, not those of a header.
func structureCalls(t *testing.T) []systemCall {
	t.Helper()
	calls := []systemCall{
		{
			`C.landlock_create_ruleset({handled_access_fs = ` + testkit.Lua("every_right") + `})`,
			createRuleset, []any{words(0x7fff), 8, 0},
		},
		{
			`C.landlock_create_ruleset({handled_access_net = {'bind_tcp', 'connect_tcp'},
				handled_access_fs = {'execute'}})`,
			createRuleset, []any{words(1, 3), 16, 0},
		},
		{
			`C.landlock_create_ruleset({scoped = {'signal', 'abstract_unix_socket'}})`,
			createRuleset, []any{words(0, 0, 3), 24, 0},
		},
		{
			`C.landlock_create_ruleset({handled_access_fs = {'write_file'},
				handled_access_net = {'bind_udp'},
				scoped = {'signal'},
				quiet_access_fs = {'execute'},
				quiet_access_net = {'connect_tcp'},
				quiet_scoped = {'abstract_unix_socket'}})`,
			createRuleset, []any{words(2, 4, 2, 1, 2, 1), 48, 0},
		},
		{
			`C.landlock_create_ruleset({quiet_access_fs = {'resolve_unix'}})`,
			createRuleset, []any{words(0, 0, 0, 1<<16, 0, 0), 48, 0},
		},
		{
			`C.landlock_create_ruleset({quiet_access_net = {'connect_send_udp'}})`,
			createRuleset, []any{words(0, 0, 0, 0, 8, 0), 48, 0},
		},
		{
			`C.landlock_create_ruleset({quiet_scoped = {'signal'}})`,
			createRuleset, []any{words(0, 0, 0, 0, 0, 2), 48, 0},
		},
		{`C.landlock_create_ruleset(nil, {'version'})`, createRuleset, []any{0, 0, 1}},
		{`C.landlock_create_ruleset(nil, {'errata'})`, createRuleset, []any{0, 0, 2}},
		{
			`C.landlock_add_rule(9, 'path_beneath',
				{allowed_access = {'refer', 'resolve_unix'},
				parent_fd = 7})`,
			addRule, []any{9, 1, pathBeneath(0x12000, 7), 0},
		},
		{`C.landlock_add_rule(9, 'path_beneath', {})`, addRule, []any{9, 1, pathBeneath(0, -1), 0}},
		{
			`C.landlock_add_rule(2^32 + 9, 'path_beneath', {parent_fd = 2^32 + 7.9}, {'quiet'})`,
			addRule, []any{9, 1, pathBeneath(0, 7), 1},
		},
		{
			`C.landlock_add_rule(9, 'net_port',
				{allowed_access = {'bind_udp', 'connect_send_udp'},
				port = 65535})`,
			addRule, []any{9, 2, words(12, 65535), 0},
		},
		{
			`C.landlock_add_rule(9, 'net_port',
				{allowed_access = {'bind_tcp'},
				port = 2^32 + 1},
				{'quiet'})`,
			addRule, []any{9, 2, words(1, 1<<32+1), 1},
		},
		{`C.landlock_restrict_self(9)`, restrictSelf, []any{9, 0}},
		{
			`C.landlock_restrict_self(9,
				{'no_new_privs', 'tsync', 'log_subdomains_off', 'log_new_exec_on',
				'log_same_exec_off'})`,
			restrictSelf, []any{9, 31},
		},
		{
			`C.openat2(-1, 'a', {flags = 2^40 + 1, mode = 6, resolve = 8})`,
			unix.SYS_OPENAT2, []any{-1, []byte("a\x00"), words(1<<40+1, 6, 8), 24},
		},
		{
			`C.mount_setattr(-1, '', -1,
				{attr_set = 1, attr_clr = 2^33, propagation = 3, userns_fd = -1})`,
			unix.SYS_MOUNT_SETATTR, []any{-1, []byte{0}, -1, words(1, 1<<33, 3, 1<<64-1), 32},
		},
		{
			`C.mount(nil, 'm\0n', nil, 2^40 + 1)`,
			unix.SYS_MOUNT, []any{uint64(0), []byte("m\x00"), uint64(0), uint64(1<<40 + 1), uint64(0)},
		},
		{
			`C.mount('a\0b', 'c', 42, -1, 'd\0e')`,
			unix.SYS_MOUNT,
			[]any{[]byte("a\x00"), []byte("c\x00"), []byte("42\x00"), uint64(1<<64 - 1),
				[]byte("d\x00")},
		},
		{
			`C.fsconfig(2^32 + 9, 2^32 + 2, 'k', 'v\0w', 3)`,
			unix.SYS_FSCONFIG, []any{9, 2, []byte("k\x00"), []byte("v\x00w\x00"), 3},
		},
		{
			`C.prctl(C.PR_SET_TIMERSLACK, 2^33)`,
			unix.SYS_PRCTL,
			[]any{unix.PR_SET_TIMERSLACK, uint64(1 << 33), uint64(0), uint64(0), uint64(0)},
		},
		{
			`C.renameat2(1, 'a', 2, 'b', 4)`,
			unix.SYS_RENAMEAT2, []any{1, []byte("a\x00"), 2, []byte("b\x00"), 4},
		},
	}
	create := func(field, name string, args ...any) {
		lua := fmt.Sprintf("C.landlock_create_ruleset({%s = {'%s'}})", field, name)
		calls = append(calls, systemCall{lua, createRuleset, args})
	}
	// The definitions have the names in the order of their bits.
	for bit, right := range texts(t, "LandlockAccessFS") {
		create("handled_access_fs", right, words(1<<bit), 8, 0)
	}
	for bit, right := range texts(t, "LandlockAccessNet") {
		create("handled_access_net", right, words(0, 1<<bit), 16, 0)
	}
	for bit, scope := range texts(t, "LandlockScope") {
		create("scoped", scope, words(0, 0, 1<<bit), 24, 0)
	}
	for bit, flag := range texts(t, "LandlockRestrictSelfFlag") {
		call := "C.landlock_restrict_self(-1, {'" + flag + "'})"
		calls = append(calls, systemCall{call, restrictSelf, []any{-1, 1 << bit}})
	}
	return calls
}

// What the kernel gets is right, also where it is too old to know it: a supervisor looks at each
// call in its place.
func TestStructuresOfSystemCalls(t *testing.T) {
	policy := seccomp.Policy{DefaultAction: seccomp.Allow, Rules: []seccomp.Rule{{
		Names: []string{
			"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "openat2",
			"mount_setattr", "renameat2", "mount", "fsconfig", "prctl",
		},
		Action: seccomp.UserNotif,
	}}}
	filter, err := policy.Compile()
	testkit.Must(t, err)
	calls := structureCalls(t)
	script := `
		set_no_new_privs()
		local filter = ` + testkit.LuaLiteral(filter) + `
		send_with_fd(arg, 'listener', C.seccomp_set_mode_filter(filter, {'new_listener'}))
		errexit = false
		local function refused(r, e) assert(r == -1 and e == C.EDOM, r .. ' ' .. e) end
	`
	for _, call := range calls {
		script += "refused(" + call.lua + ")\n"
	}
	host, arg := testkit.Socketpair(t)
	cmd := testkit.Command(t, script)
	cmd.Arg = arg
	testkit.Must(t, cmd.Start())
	arg.Close()
	listener := testkit.ReceiveListener(t, host)
	for _, call := range calls {
		answer(t, listener, call)
	}
	unix.Close(listener) // what else is called fails, where it would wait
	testkit.Must(t, cmd.Wait())
}

// answer compares the next call with what it should be, and lets it fail with EDOM.
func answer(t *testing.T, listener int, want systemCall) {
	t.Helper()
	ready := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
	_, err := unix.Poll(ready, int(testkit.Timeout.Milliseconds()))
	if err != nil || ready[0].Revents&unix.POLLIN == 0 {
		t.Fatalf("%s makes no system call: %v, events %#x", want.lua, err, ready[0].Revents)
	}
	var call testkit.Notification
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_RECV,
		uintptr(unsafe.Pointer(&call)))
	if errno != 0 {
		t.Fatalf("SECCOMP_IOCTL_NOTIF_RECV: %v", errno)
	}
	if uintptr(call.Number) != want.number {
		t.Errorf("%s: system call %d, want %d", want.lua, call.Number, want.number)
	}
	for i, arg := range want.args {
		switch arg := arg.(type) {
		case uint64:
			if call.Args[i] != arg {
				t.Errorf("%s: argument %d is %#x, want %#x", want.lua, i, call.Args[i], arg)
			}
		case int:
			if uint32(call.Args[i]) != uint32(arg) {
				t.Errorf("%s: argument %d is %#x, want %#x", want.lua, i, call.Args[i], arg)
			}
		case []byte:
			got := make([]byte, len(arg))
			local := []unix.Iovec{{Base: &got[0]}}
			local[0].SetLen(len(got))
			remote := []unix.RemoteIovec{{Base: uintptr(call.Args[i]), Len: len(got)}}
			switch _, err := unix.ProcessVMReadv(int(call.Pid), local, remote, 0); err {
			case nil:
			case unix.EPERM: // Yama, or another LSM
				testkit.Skip(t, "the memory of a child cannot be read")
			default:
				t.Fatalf("process_vm_readv: %v", err)
			}
			if !bytes.Equal(got, arg) {
				t.Errorf("%s: argument %d points to % x, want % x", want.lua, i, got, arg)
			}
		}
	}
	failed := testkit.Response{ID: call.ID, Error: -int32(unix.EDOM)}
	_, _, errno = unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SEND,
		uintptr(unsafe.Pointer(&failed)))
	if errno != 0 {
		t.Fatalf("SECCOMP_IOCTL_NOTIF_SEND: %v", errno)
	}
}
