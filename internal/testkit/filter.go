//go:build linux

package testkit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// AllowAll is the filter of one instruction that allows every system call.
var AllowAll = LuaLiteral(Instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW))

// Filter returns a program for C.seccomp_set_mode_filter with a verdict for one system call, which
// allows all others.
func Filter(systemCall, verdict uint32) string {
	return LuaLiteral(slices.Concat(
		Instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, 0), // the number of the call
		Instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 1, systemCall),
		Instruction(unix.BPF_RET|unix.BPF_K, 0, 0, verdict),
		Instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW),
	))
}

// PrctlFilter is a filter with a verdict for prctl(2) with this second argument.
func PrctlFilter(argument, verdict uint32) string {
	return LuaLiteral(slices.Concat(
		Instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, 0),
		Instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 3, unix.SYS_PRCTL),
		Instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, SecondArgument),
		Instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 1, argument),
		Instruction(unix.BPF_RET|unix.BPF_K, 0, 0, verdict),
		Instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW),
	))
}

// Instruction is one of a filter, a struct sock_filter.
func Instruction(code uint16, jumpTrue, jumpFalse uint8, k uint32) []byte {
	bytes := binary.NativeEndian.AppendUint16(nil, code)
	return binary.NativeEndian.AppendUint32(append(bytes, jumpTrue, jumpFalse), k)
}

// Install is a script that installs the filter.
func Install(filter string) string {
	return "set_no_new_privs() C.seccomp_set_mode_filter(" + filter + ") "
}

// Offsets in struct seccomp_data of the low halves of arguments, on a little-endian machine.
const (
	FirstArgument  = 16
	SecondArgument = 24
	ThirdArgument  = 32
	FourthArgument = 40
)

// Echo is a filter under which the system call fails with one of its arguments as errno: so a
// test sees what the kernel would have got.
func Echo(systemCall, argument uint32) string {
	return LuaLiteral(slices.Concat(
		Instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, 0),
		Instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 3, systemCall),
		Instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, argument),
		Instruction(unix.BPF_ALU|unix.BPF_OR|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ERRNO),
		Instruction(unix.BPF_RET|unix.BPF_A, 0, 0, 0),
		Instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW),
	))
}

// LuaLiteral writes bytes as a string of Lua source.
func LuaLiteral(b []byte) string {
	var literal bytes.Buffer
	literal.WriteByte('\'')
	for _, c := range b {
		fmt.Fprintf(&literal, `\%03d`, c)
	}
	literal.WriteByte('\'')
	return literal.String()
}

// refuseFilledGroups refuses getgroups(2) but where it only counts.
var refuseFilledGroups = LuaLiteral(slices.Concat(
	Instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, 0),
	Instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 3, unix.SYS_GETGROUPS),
	Instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, FirstArgument),
	Instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 1, 0, 0),
	Instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ERRNO|uint32(unix.EDOM)),
	Instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW),
))

// AllowAllFilter installs a seccomp filter on every thread.
func AllowAllFilter(t *testing.T) {
	t.Helper()
	Must(t, unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	filter := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}}
	program := unix.SockFprog{Len: 1, Filter: &filter[0]}
	runtime.LockOSThread()
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		t.Fatalf("seccomp: %v", errno)
	}
}
