package seccomp

// Numbers of Linux, the same on all architectures that policies are compiled for. The system that this
// program is built for may have others, or none.
const (
	retKillProcess = 0x80000000 // SECCOMP_RET_*
	retKillThread  = 0x00000000
	retTrap        = 0x00030000
	retErrno       = 0x00050000
	retUserNotif   = 0x7fc00000
	retTrace       = 0x7ff00000
	retLog         = 0x7ffc0000
	retAllow       = 0x7fff0000

	cloneNewNS     = 0x00020000 // CLONE_*
	cloneNewCgroup = 0x02000000
	cloneNewUTS    = 0x04000000
	cloneNewIPC    = 0x08000000
	cloneNewUser   = 0x10000000
	cloneNewPID    = 0x20000000
	cloneNewNet    = 0x40000000

	prSetPdeathsig = 1 // PR_*
	prCapbsetRead  = 23
	prGetDumpable  = 3
	prSetDumpable  = 4
	prSetName      = 15
	prSetVMA       = 0x53564d41

	enosys  = 38
	sigkill = 9
)
