//go:build linux && (386 || amd64 || arm || arm64)

package seccomp

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The numbers are those that Linux has.
func TestNumbersOfLinux(t *testing.T) {
	for _, row := range []struct{ got, want uint64 }{
		{retKillProcess, unix.SECCOMP_RET_KILL_PROCESS}, {retKillThread, unix.SECCOMP_RET_KILL_THREAD},
		{retTrap, unix.SECCOMP_RET_TRAP}, {retErrno, unix.SECCOMP_RET_ERRNO},
		{retUserNotif, unix.SECCOMP_RET_USER_NOTIF}, {retTrace, unix.SECCOMP_RET_TRACE},
		{retLog, unix.SECCOMP_RET_LOG}, {retAllow, unix.SECCOMP_RET_ALLOW},
		{cloneNewNS, unix.CLONE_NEWNS}, {cloneNewCgroup, unix.CLONE_NEWCGROUP},
		{cloneNewUTS, unix.CLONE_NEWUTS}, {cloneNewIPC, unix.CLONE_NEWIPC},
		{cloneNewUser, unix.CLONE_NEWUSER}, {cloneNewPID, unix.CLONE_NEWPID},
		{cloneNewNet, unix.CLONE_NEWNET}, {prSetPdeathsig, unix.PR_SET_PDEATHSIG},
		{prCapbsetRead, unix.PR_CAPBSET_READ},
		{prGetDumpable, unix.PR_GET_DUMPABLE}, {prSetDumpable, unix.PR_SET_DUMPABLE},
		{prSetName, unix.PR_SET_NAME}, {prSetVMA, unix.PR_SET_VMA},
		{enosys, uint64(unix.ENOSYS)}, {sigkill, uint64(unix.SIGKILL)},
	} {
		if row.got != row.want {
			t.Errorf("%#x, want %#x", row.got, row.want)
		}
	}
	for number := syscall.Errno(1); number <= maxErrno; number++ {
		if got, want := errnoName(uint16(number)), unix.ErrnoName(number); got != want {
			t.Errorf("errno %d: %q, want %q", number, got, want)
		}
	}
}
