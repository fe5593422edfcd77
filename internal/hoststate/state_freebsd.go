//go:build cgo

package hoststate

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

// State is all that a child inherits from this process, apart from descriptors and the working
// directory, as far as it can change and be seen. The fork server has what its host had when it was
// started, so it may serve a start only while the two are equal. The audit session is left out:
// initscript.RenewServer.
type State struct {
	status   string // ids, umask, groups, session, jail, capability mode
	root     [2]uint64
	rlimits  [unix.RLIMIT_AS + 1]unix.Rlimit
	nice     int
	controls [len(statusControls)]int32
	realTime [2]uint16 // struct rtprio
	login    [64]byte  // class
	cpuset   int32
	affinity [1024 / 8]byte
	domains  [256 / 8]byte
	policy   int32 // for the domains
}

// statusControls are the commands of procctl(2) that tell of one attribute each.
var statusControls = [...]C.int{
	C.PROC_NO_NEW_PRIVS_STATUS, C.PROC_TRACE_STATUS, C.PROC_TRAPCAP_STATUS, C.PROC_ASLR_STATUS,
	C.PROC_PROTMAX_STATUS, C.PROC_STACKGAP_STATUS, C.PROC_WXMAP_STATUS,
}

// Files would be files that tell of the process: here system calls do.
type Files struct{}

func open() (*Files, error) { return nil, nil }

func (f *Files) Close() {}

// Read reads the state of the calling thread. The previous one would spare nothing.
func (f *Files) Read(_ *State) (State, error) {
	var s State
	groups, err := unix.Getgroups()
	if err != nil {
		return s, os.NewSyscallError("getgroups", err)
	}
	session, err := unix.Getsid(0)
	if err != nil {
		return s, os.NewSyscallError("getsid", err)
	}
	var confined C.u_int
	if result, err := C.cap_getmode(&confined); result != 0 {
		return s, os.NewSyscallError("cap_getmode", err)
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
	reads := []func() error{s.readSystemCalls, s.readControls, s.readScheduling, s.readLoginClass}
	for _, read := range reads {
		if err := read(); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *State) readSystemCalls() error {
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

func (s *State) readControls() error {
	for i, control := range statusControls {
		var status C.int
		result, err := C.procctl(C.P_PID, C.id_t(os.Getpid()), control, unsafe.Pointer(&status))
		if result != 0 && err != unix.EINVAL { // a kernel that does not have it
			return os.NewSyscallError("procctl", err)
		}
		s.controls[i] = int32(status)
	}
	return nil
}

const (
	cpuLevelCpuset = 2           // CPU_LEVEL_CPUSET
	cpuLevelWhich  = 3           // CPU_LEVEL_WHICH
	cpuWhichTid    = 1           // CPU_WHICH_TID
	thisThread     = ^uintptr(0) // -1
	rtpLookup      = 0           // RTP_LOOKUP
	oldCpusetSize  = 256 / 8     // before FreeBSD 14
)

func (s *State) readScheduling() error {
	_, _, errno := unix.Syscall(unix.SYS_RTPRIO, rtpLookup, 0, uintptr(unsafe.Pointer(&s.realTime)))
	if errno != 0 {
		return os.NewSyscallError("rtprio", errno)
	}
	_, _, errno = unix.Syscall6(unix.SYS_CPUSET_GETID, cpuLevelCpuset, cpuWhichTid, thisThread,
		uintptr(unsafe.Pointer(&s.cpuset)), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("cpuset_getid", errno)
	}
	for _, size := range []uintptr{unsafe.Sizeof(s.affinity), oldCpusetSize} {
		_, _, errno = unix.Syscall6(unix.SYS_CPUSET_GETAFFINITY, cpuLevelWhich, cpuWhichTid,
			thisThread, size, uintptr(unsafe.Pointer(&s.affinity)), 0)
		if errno != unix.ERANGE { // larger than the kernel's
			break
		}
	}
	if errno != 0 {
		return os.NewSyscallError("cpuset_getaffinity", errno)
	}
	_, _, errno = unix.Syscall6(
		unix.SYS_CPUSET_GETDOMAIN,
		cpuLevelWhich,
		cpuWhichTid,
		thisThread,
		unsafe.Sizeof(
			s.domains,
		),
		uintptr(unsafe.Pointer(&s.domains)),
		uintptr(unsafe.Pointer(&s.policy)),
	)
	if errno != 0 {
		return os.NewSyscallError("cpuset_getdomain", errno)
	}
	return nil
}

func (s *State) readLoginClass() error {
	_, _, errno := unix.Syscall(unix.SYS_GETLOGINCLASS, uintptr(unsafe.Pointer(&s.login)),
		unsafe.Sizeof(s.login), 0)
	if errno != 0 {
		return os.NewSyscallError("getloginclass", errno)
	}
	return nil
}
