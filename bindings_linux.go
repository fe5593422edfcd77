//go:build cgo

package initscript

/*
#include "csrc/role_live.h"
#include "csrc/util_socket.h"

extern long initscriptChange(struct initscript_confinement *, struct initscript_call *);
extern long initscriptRestrictSelf(struct initscript_confinement *, struct initscript_call *);
extern long initscriptCanScopeSignals(struct initscript_confinement *, struct initscript_call *);
*/
import "C"

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the functions of a script call in live mode, where there is a Go runtime: the C function has
// read the arguments, and hands over the system call. In a child they make the system call in C, since
// nothing of Go runs there yet; struct initscript_operations (csrc/script.h) has both.
//
// All of these run on the thread that called Apply, with the descriptors of the program, while the
// script waits and no thread is stopped. They return what the system call returns, or an errno value,
// negated; then nothing has changed. If a thread differs from the others afterwards the process ends.
//
// Neither syscall.AllThreadsSyscall nor libpsx could do their work: the former is refused in programs
// that use cgo, as each one with this package does, and reaches only threads of the Go runtime. About
// the latter see docs/guide/live-mode.md.

// ABI values of Landlock that golang.org/x/sys/unix lacks.
const (
	landlockRestrictSelfTSYNC = 1 << 3
	landlockABIWithTSYNC      = 8
	landlockErratumSignals    = 1 << 1
)

// bindOperations tells the script's side of a confinement what to call.
func bindOperations(c *C.struct_initscript_confinement) {
	c.change = C.initscript_operation(C.initscriptChange)
	c.restrict_self = C.initscript_operation(C.initscriptRestrictSelf)
	c.can_scope_signals = C.initscript_operation(C.initscriptCanScopeSignals)
}

// initscriptChange changes what the kernel keeps per thread, in the best way that there is for the call.
//
//export initscriptChange
func initscriptChange(
	confinement *C.struct_initscript_confinement, call *C.struct_initscript_call,
) C.long {
	a := &call.arguments
	switch call.number {
	case unix.SYS_SECCOMP:
		return callOnce(call, uintptr(a[0]), uintptr(a[1])|unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(a[2]))
	case unix.SYS_SETRESUID:
		return negatedErrno(syscall.Setresuid(int(a[0]), int(a[1]), int(a[2])))
	case unix.SYS_SETRESGID:
		return negatedErrno(syscall.Setresgid(int(a[0]), int(a[1]), int(a[2])))
	case unix.SYS_SETGROUPS:
		return negatedErrno(syscall.Setgroups(groupList(call)))
	}
	return callInEveryThread(confinement, call)
}

// groupList returns the arguments of setgroups(2).
func groupList(call *C.struct_initscript_call) []int {
	ids := unsafe.Slice(*(**uint32)(unsafe.Pointer(&call.arguments[1])), call.arguments[0])
	list := make([]int, len(ids))
	for i, id := range ids {
		list[i] = int(id)
	}
	return list
}

// initscriptRestrictSelf is landlock_restrict_self(2), with a ruleset that the script's thread has sent.
//
//export initscriptRestrictSelf
func initscriptRestrictSelf(
	confinement *C.struct_initscript_confinement, call *C.struct_initscript_call,
) C.long {
	if call.arguments[0] >= 0 { // else there is none, only flags
		ruleset, err := receiveRuleset(confinement)
		if err != nil {
			return negatedErrno(err)
		}
		defer unix.Close(ruleset)
		call.arguments[0] = C.long(ruleset)
	}
	if landlockHasTSYNC() {
		return callOnce(call, uintptr(call.arguments[0]),
			uintptr(call.arguments[1])|landlockRestrictSelfTSYNC, 0)
	}
	return callInEveryThread(confinement, call)
}

// receiveRuleset takes the descriptor from the socket. A message that could not be received may still be
// there, and must not be taken for the next one: then the process ends.
func receiveRuleset(confinement *C.struct_initscript_confinement) (int, error) {
	var message C.char
	var ruleset C.int
	count := C.size_t(1)
	socket := confinement.pair[0]
	received, err := C.initscript_receive(socket, unsafe.Pointer(&message), 1, &ruleset, &count)
	switch {
	case bool(received) && count == 1:
		return int(ruleset), nil
	case bool(received):
		return -1, unix.EACCES // a security module has kept the descriptor back
	case err == unix.EMFILE:
		return -1, err // there is no room for the descriptor: the message is gone
	}
	C.initscript_end_half_confined()
	return -1, err
}

// initscriptCanScopeSignals reports whether a Landlock domain can forbid signals to those outside. Where
// each thread gets a domain of its own, older kernels would not let the threads signal each other, and
// setresuid(3) would then silently leave out some.
//
//export initscriptCanScopeSignals
func initscriptCanScopeSignals(
	*C.struct_initscript_confinement, *C.struct_initscript_call,
) C.long {
	errata, errno := landlockFacts(unix.LANDLOCK_CREATE_RULESET_ERRATA)
	if landlockHasTSYNC() || errno == 0 && errata&landlockErratumSignals != 0 {
		return 1
	}
	return 0
}

// landlockHasTSYNC reports whether the kernel restricts all threads at once.
func landlockHasTSYNC() bool {
	version, errno := landlockFacts(unix.LANDLOCK_CREATE_RULESET_VERSION)
	return errno == 0 && version >= landlockABIWithTSYNC
}

func landlockFacts(flag uintptr) (uintptr, unix.Errno) {
	value, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, flag)
	return value, errno
}

// callOnce is for calls that the kernel applies to all threads.
func callOnce(call *C.struct_initscript_call, a, b, c uintptr) C.long {
	result, _, errno := unix.Syscall(uintptr(call.number), a, b, c)
	if errno != 0 {
		return -C.long(errno)
	}
	return C.long(result)
}

// callInEveryThread is the last resort, for what the kernel changes in one thread only: all threads are
// stopped, and then each makes the call.
func callInEveryThread(
	confinement *C.struct_initscript_confinement, call *C.struct_initscript_call,
) C.long {
	if confinement.tasks < 0 {
		return C.long(confinement.tasks)
	}
	if made, err := C.initscript_every_thread(confinement.tasks, call); !made {
		return negatedErrno(err)
	}
	return 0
}

func negatedErrno(err error) C.long {
	if err == nil {
		return 0
	}
	errno, ok := err.(syscall.Errno)
	if !ok || errno == 0 {
		errno = syscall.EINVAL
	}
	return -C.long(errno)
}
