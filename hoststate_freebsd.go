//go:build cgo

package initscript

// #include <sys/types.h>
// #include <sys/capsicum.h>
// #include <sys/procctl.h>
import "C"

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hostState is all that a child inherits from this process, apart from descriptors and the working
// directory, as far as it can change and be seen. The fork server has what its host had when it was
// started, so it may serve a start only while the two are equal. Login class and audit session are left
// out: RenewServer.
type hostState struct {
	status  string // ids, umask, groups, session, jail, capability mode, no_new_privs
	root    [2]uint64
	rlimits [unix.RLIMIT_AS + 1]unix.Rlimit
	nice    int
}

// readHostState reads the state of the process: all threads have the same.
func readHostState() (hostState, error) {
	var s hostState
	groups, err := unix.Getgroups()
	if err != nil {
		return s, os.NewSyscallError("getgroups", err)
	}
	session, err := unix.Getsid(0)
	if err != nil {
		return s, os.NewSyscallError("getsid", err)
	}
	confined, err := readConfinement()
	if err != nil {
		return s, err
	}
	umask, err := unix.SysctlRaw("kern.proc.umask", os.Getpid())
	if err != nil {
		return s, os.NewSyscallError("sysctl kern.proc.umask", err)
	}
	jailed, err := unix.SysctlUint32("security.jail.jailed")
	if err != nil {
		return s, os.NewSyscallError("sysctl security.jail.jailed", err)
	}
	s.status = fmt.Sprint(unix.Getuid(), unix.Geteuid(), unix.Getgid(), unix.Getegid(), unix.Issetugid(),
		umask, groups, unix.Getpgrp(), session, confined, jailed)
	return s, s.readSystemCalls()
}

func (s *hostState) readSystemCalls() error {
	var root unix.Stat_t
	if err := unix.Stat("/", &root); err != nil {
		return os.NewSyscallError("stat", err)
	}
	s.root = [2]uint64{root.Dev, root.Ino}
	for i := range s.rlimits {
		if err := unix.Getrlimit(i, &s.rlimits[i]); err != nil {
			return os.NewSyscallError("getrlimit", err)
		}
	}
	var err error
	if s.nice, err = unix.Getpriority(unix.PRIO_PROCESS, 0); err != nil {
		return os.NewSyscallError("getpriority", err)
	}
	return nil
}

// readConfinement tells of capability mode and no_new_privs.
func readConfinement() (modes [2]int, err error) {
	var confined C.u_int
	if result, err := C.cap_getmode(&confined); result != 0 {
		return modes, os.NewSyscallError("cap_getmode", err)
	}
	var status C.int
	result, err := C.procctl(C.P_PID, C.id_t(os.Getpid()), C.PROC_NO_NEW_PRIVS_STATUS, unsafe.Pointer(&status))
	if result != 0 && err != unix.EINVAL { // a kernel that does not have it
		return modes, os.NewSyscallError("procctl", err)
	}
	return [2]int{int(confined), int(status)}, nil
}
