package initscript_test

import (
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

const newNames = initscript.NewUser | initscript.NewUTS

var processCases = []scriptCase{
	{name: "setsid", script: `local id, e = C.setsid() R(tostring(id) == status('Pid'), e, tostring(id) == status('NSsid'))`, sent: []string{"true,0,true"}},
	{name: "setsid tells the id inside of the PID namespace", in: initscript.NewUser | initscript.NewPID, script: `R(C.setsid())`, sent: []string{"1,0"}},
	{name: "setpgid", script: `R(status('NSpgid') == status('Pid')) R(C.setpgid(0, 0)) R(status('NSpgid') == status('Pid'))`,
		sent: []string{"false", "0,0", "true"}},
	{name: "unshare", in: newNames, script: `local old = C.open('/proc/self/ns/uts', C.O_RDONLY) R(C.unshare(C.CLONE_NEWUTS)) ` +
		`C.execve('/bin/sh', {'sh', '-c', '[ /proc/self/ns/uts -ef /proc/self/fd/' .. old .. ' ] || echo another'})`,
		sent: []string{"0,0"}, stdout: "another\n"},
	{name: "unshare of the user namespace gives all capabilities", as: ordinaryUser, script: `R(status('CapEff')) R(C.unshare(C.CLONE_NEWUSER)) ` +
		`R(status('CapEff') == status('CapBnd'))`, sent: []string{"0000000000000000", "0,0", "true"}, set: needsUserNamespaces},
	{name: "setns", in: newNames, script: `C.sethostname('first') local first = C.open('/proc/self/ns/uts', C.O_RDONLY) ` +
		`C.unshare(C.CLONE_NEWUTS) C.sethostname('second') R(C.setns(first, C.CLONE_NEWUTS)) R(C.setns(first, 0))`,
		sent: []string{"0,0", "0,0"}, then: `uname -n`, stdout: "first\n"},
	{name: "H91 names", in: newNames, script: `R(C.sethostname('h')) R(C.setdomainname('d'))`, sent: []string{"0,0", "0,0"},
		then: `uname -n; cat /proc/sys/kernel/domainname`, stdout: "h\nd\n"},
	{name: "H91 no names", in: newNames, script: `R(C.sethostname(nil)) R(C.setdomainname())`, sent: []string{"0,0", "0,0"},
		then: `uname -n; cat /proc/sys/kernel/domainname`, stdout: "\n\n"},
	{name: "names are as long as the strings", in: newNames, script: `R(C.sethostname(('x'):rep(64))) R(C.setdomainname(12)) R(C.sethostname('a\0b'))`,
		sent: []string{"0,0", "0,0", "0,0"}, then: `uname -n; cat /proc/sys/kernel/domainname`, stdout: "a\n12\n"},
}

func needsUserNamespaces(t *testing.T, _ *initscript.Cmd) { requireUserNamespaces(t) }

var processFailures = []failureCase{
	{name: "twice", before: `C.setsid()`, call: `C.setsid()`, errno: unix.EPERM, report: `setsid()`},
	{name: "of a session leader", before: `C.setsid()`, call: `C.setpgid(0, 0)`, errno: unix.EPERM, report: `setpgid(0, 0)`},
	{call: `C.setpgid(0, -5)`, errno: unix.EINVAL, report: `setpgid(0, -5)`},
	{call: `C.unshare(1)`, errno: unix.EINVAL, report: `unshare(1)`},
	{call: `C.unshare(C.CLONE_NEWNS)`, errno: unix.EPERM, report: `unshare(131072)`, as: ordinaryUser},
	{call: `C.setns(99, 0)`, errno: unix.EBADF, report: `setns(99, 0)`},
	{name: "of another type", before: `local uts = C.open('/proc/self/ns/uts', C.O_RDONLY)`, call: `C.setns(uts, C.CLONE_NEWNET)`, errno: unix.EINVAL,
		report: `setns(5, 1073741824)`, in: newNames},
	{call: `C.sethostname(('x'):rep(65))`, errno: unix.EINVAL, in: newNames,
		report: `sethostname("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")`},
	{name: "not permitted", before: `C.cap_set_proc('=')`, call: `C.sethostname('h')`, errno: unix.EPERM, report: `sethostname("h")`, in: newNames},
	{call: `C.setdomainname(('x'):rep(65))`, errno: unix.EINVAL, in: newNames,
		report: `setdomainname("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")`},
	{name: "not permitted", before: `C.cap_set_proc('=')`, call: `C.setdomainname('d')`, errno: unix.EPERM, report: `setdomainname("d")`, in: newNames},
}

func TestAPIProcess(t *testing.T) {
	runCases(t, processCases)
	runFailures(t, processFailures)
}
