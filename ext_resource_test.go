package initscript_test

import (
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

var extResourceCases = []scriptCase{
	{name: "setrlimit and getrlimit", script: `R(C.setrlimit(C.RLIMIT_NOFILE, 20, 30)) R(C.getrlimit(C.RLIMIT_NOFILE))`, sent: []string{"0,0", "20,30,0"},
		then: `ulimit -Sn; ulimit -Hn`, stdout: "20\n30\n"},
	{name: "setrlimit is in force at once", script: `C.setrlimit(C.RLIMIT_NOFILE, 6, 6) errexit = false R(C.dup(1)) R(C.dup(1))`, sent: []string{"5,0", "-1,24"}},
	{name: "the soft limit goes up to the hard limit", as: ordinaryUser, script: `C.setrlimit(C.RLIMIT_NOFILE, 20, 30) R(C.setrlimit(C.RLIMIT_NOFILE, 30, 30)) R(C.getrlimit(C.RLIMIT_NOFILE))`,
		sent: []string{"0,0", "30,30,0"}},
	{name: "CAP_SYS_RESOURCE raises the hard limit", set: needsSysResource, script: `C.setrlimit(C.RLIMIT_NOFILE, 20, 30) R(C.setrlimit(C.RLIMIT_NOFILE, 25, 40)) R(C.getrlimit(C.RLIMIT_NOFILE))`,
		sent: []string{"0,0", "25,40,0"}},
	{name: "no limit", script: `R(C.setrlimit(C.RLIMIT_RTTIME, 2^40, C.RLIM_INFINITY)) R(C.getrlimit(C.RLIMIT_RTTIME)) ` +
		`R(C.setrlimit(C.RLIMIT_RTTIME, -1, -1)) R(C.getrlimit(C.RLIMIT_RTTIME))`, sent: []string{"0,0", "1099511627776,-1,0", "0,0", "-1,-1,0"}},
	{name: "limits are numeric strings too", script: `R(C.setrlimit(C.RLIMIT_NOFILE, 20, '0x20')) R(C.getrlimit(C.RLIMIT_NOFILE))`, sent: []string{"0,0", "20,32,0"}},
}

func needsSysResource(t *testing.T, _ *initscript.Cmd) {
	has, err := cap.GetProc().GetFlag(cap.Effective, cap.SYS_RESOURCE)
	must(t, err)
	if !has {
		t.Skip("needs CAP_SYS_RESOURCE")
	}
}

var extResourceFailures = []failureCase{
	{name: "unknown", call: `C.setrlimit(99, 0, 0)`, errno: unix.EINVAL, report: `setrlimit(99, 0, 0)`},
	{name: "soft above hard", call: `C.setrlimit(C.RLIMIT_NOFILE, 11, 10)`, errno: unix.EINVAL, report: `setrlimit(7, 11, 10)`},
	{name: "no limit above hard", call: `C.setrlimit(C.RLIMIT_NOFILE, C.RLIM_INFINITY, 10)`, errno: unix.EINVAL, report: `setrlimit(7, -1, 10)`},
	// The kernel would take them for very high limits.
	{name: "a negative limit", call: `C.setrlimit(C.RLIMIT_RTTIME, -2, -1)`, errno: unix.EINVAL, report: `setrlimit(15, -2, -1)`},
	{name: "a limit that does not fit", call: `C.setrlimit(C.RLIMIT_RTTIME, 0, 2^70)`, errno: unix.EINVAL, report: `setrlimit(15, 0, 1.1805916207174e+21)`},
	{name: "above hard", before: `C.setrlimit(C.RLIMIT_NOFILE, 10, 10)`, call: `C.setrlimit(C.RLIMIT_NOFILE, 10, 11)`, errno: unix.EPERM,
		report: `setrlimit(7, 10, 11)`, as: ordinaryUser},
	{name: "unknown", call: `C.getrlimit(99)`, errno: unix.EINVAL, report: `getrlimit(99)`, results: "nil,nil,22"},
}

func TestExtensionResources(t *testing.T) {
	runCases(t, extResourceCases)
	runFailures(t, extResourceFailures)
}
