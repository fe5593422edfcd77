package initscript_test

import (
	"os"
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

var extDescriptorCases = []scriptCase{
	// pipe2
	{name: "pipe2", script: `local r, w, e = C.pipe2(0) R(r, w, e) R(C.write(w, 'abc')) R(C.read(r, 10)) C.close(w) R(C.read(r, 10))`,
		sent: []string{"5,6,0", "3,0", "abc,0", ",0"}},
	{name: "pipe2's descriptors survive execve without O_CLOEXEC only", script: `C.pipe2(0) C.pipe2(C.O_CLOEXEC) ` +
		`C.execve('/bin/sh', {'sh', '-c', 'for fd in 5 6 7 8; do [ -e /proc/self/fd/$fd ] && echo $fd; done; true'})`, stdout: "5\n6\n"},
	{name: "pipe2 that does not block", script: `local r, w = C.pipe2(C.O_NONBLOCK) errexit = false R(C.read(r, 1))`, sent: []string{"nil,11"}},

	// socketpair
	{name: "socketpair", script: `local a, b, e = C.socketpair(C.AF_UNIX, bit.bor(C.SOCK_SEQPACKET, C.SOCK_CLOEXEC), 0) R(a, b, e) ` +
		`R(C.write(a, 'abc')) R(C.write(b, 'def')) R(C.read(b, 10)) R(C.read(a, 10)) R(C.fcntl(a, C.F_GETFD)) R(C.fcntl(b, C.F_GETFD))`,
		sent: []string{"5,6,0", "3,0", "3,0", "abc,0", "def,0", "1,0", "1,0"}},
	{name: "socketpair that does not block", script: `local a, b = C.socketpair(C.AF_UNIX, bit.bor(C.SOCK_STREAM, C.SOCK_NONBLOCK), 0) ` +
		`R(C.fcntl(a, C.F_GETFD)) errexit = false R(C.read(b, 10))`, sent: []string{"0,0", "nil,11"}},

	// fcntl
	{name: "fcntl F_SETFD", script: `local a, b = C.dup(1), C.dup(1) R(C.fcntl(a, C.F_GETFD)) R(C.fcntl(a, C.F_SETFD, C.FD_CLOEXEC)) R(C.fcntl(a, C.F_GETFD)) ` +
		`C.execve('/bin/sh', {'sh', '-c', 'for fd in 5 6; do [ -e /proc/self/fd/$fd ] && echo $fd; done; true'})`, sent: []string{"0,0", "0,0", "1,0"}, stdout: "6\n"},
	{name: "fcntl clears the close-on-exec flag", script: `local fd = C.open('/dev/null', C.O_CLOEXEC) R(C.fcntl(fd, C.F_SETFD, 0)) ` +
		`C.execve('/bin/sh', {'sh', '-c', '[ -e /proc/self/fd/5 ] && echo open'})`, sent: []string{"0,0"}, stdout: "open\n"},
	{name: "fcntl F_DUPFD", script: `R(C.fcntl(1, C.F_DUPFD, 20)) R(C.fcntl(1, C.F_DUPFD_CLOEXEC, 20)) R(C.fcntl(20, C.F_GETFD)) R(C.fcntl(21, C.F_GETFD)) C.write(21, 'x')`,
		sent: []string{"20,0", "21,0", "0,0", "1,0"}, stdout: "x"},
	{name: "fcntl F_SETFL", script: `local r = C.pipe2(0) local flags = C.fcntl(r, C.F_GETFL) R(bit.band(flags, C.O_NONBLOCK)) R(C.fcntl(r, C.F_SETFL, bit.bor(flags, C.O_NONBLOCK))) ` +
		`errexit = false R(C.read(r, 1))`, sent: []string{"0", "0,0", "nil,11"}},
	{name: "fcntl F_SETPIPE_SZ", script: `local r, w = C.pipe2(C.O_NONBLOCK) R(C.fcntl(w, C.F_SETPIPE_SZ, 4096)) R(C.fcntl(r, C.F_GETPIPE_SZ)) ` +
		`R(C.write(w, ('x'):rep(100000)))`, sent: []string{"4096,0", "4096,0", "4096,0"}},
	{name: "fcntl F_ADD_SEALS", set: withMemfd, script: `C.write(5, 'abc') errexit = false R(C.fcntl(5, C.F_GET_SEALS)) R(C.fcntl(5, C.F_ADD_SEALS, C.F_SEAL_GROW)) R(C.write(5, 'd')) ` +
		`R(C.fcntl(5, C.F_ADD_SEALS, bit.bor(C.F_SEAL_SHRINK, C.F_SEAL_WRITE))) R(C.fcntl(5, C.F_GET_SEALS)) ` +
		`R(C.open('/proc/self/fd/5', bit.bor(C.O_RDWR, C.O_TRUNC))) R(C.fcntl(5, C.F_ADD_SEALS, C.F_SEAL_SEAL)) R(C.fcntl(5, C.F_ADD_SEALS, C.F_SEAL_FUTURE_WRITE))`,
		sent: []string{"0,0", "0,0", "-1,1", "0,0", "14,0", "-1,1", "0,0", "-1,1"}},
	{name: "fcntl's commands without an argument have none", script: `R(C.fcntl(1, C.F_GETFD, {}))`, sent: []string{"0,0"}},
	{name: "fcntl calls the kernel for known commands only", script: install(filter(unix.SYS_FCNTL, unix.SECCOMP_RET_KILL_PROCESS)) +
		`errexit = false R(C.fcntl(1, 5, 0)) S('alive') C.fcntl(1, C.F_GETFD) S('alive')`, sent: []string{"-1,22", "alive"}, err: killed(unix.SIGSYS)},
	{name: "fcntl and the report descriptor", script: findHidden + `R(C.fcntl(hidden[1], C.F_GETFD)) R(C.fcntl(hidden[1], C.F_DUPFD, 0)) R(C.fcntl(hidden[1], C.F_SETFD, 0)) ` +
		`R(C.fchmod(hidden[1], 0)) R(C.fchown(hidden[1], -1, -1)) R(C.fchownat(hidden[1], '', -1, -1, C.AT_EMPTY_PATH)) R(C.fchdir(hidden[1]))`,
		sent: []string{"-1,9", "-1,9", "-1,9", "-1,9", "-1,9", "-1,9", "-1,9"}},
}

// withMemfd gives the script a file that can be sealed, as 5.
func withMemfd(t *testing.T, cmd *initscript.Cmd) {
	fd, err := unix.MemfdCreate("sealable", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	must(t, err)
	file := os.NewFile(uintptr(fd), "sealable")
	t.Cleanup(func() { file.Close() })
	cmd.ExtraFiles = []*os.File{file}
}

var extDescriptorFailures = []failureCase{
	{call: `C.pipe2(-1)`, errno: unix.EINVAL, report: `pipe2(-1)`, results: "-1,-1,22"},
	{name: "too many descriptors", before: `C.setrlimit(C.RLIMIT_NOFILE, 6, 6)`, call: `C.pipe2(0)`, errno: unix.EMFILE, report: `pipe2(0)`, results: "-1,-1,24"},
	{call: `C.socketpair(9999, C.SOCK_STREAM, 0)`, errno: unix.EAFNOSUPPORT, report: `socketpair(9999, 1, 0)`, results: "-1,-1,97"},
	{name: "not for pairs", call: `C.socketpair(C.AF_INET, C.SOCK_STREAM, 0)`, errno: unix.EOPNOTSUPP, report: `socketpair(2, 1, 0)`, results: "-1,-1,95"},
	{call: `C.fcntl(99, C.F_GETFD)`, errno: unix.EBADF, report: `fcntl(99, 1)`},
	{name: "F_GETLK", call: `C.fcntl(0, 5, 0)`, errno: unix.EINVAL, report: `fcntl(0, 5, 0)`},
	{name: "not a memfd", call: `C.fcntl(0, C.F_ADD_SEALS, C.F_SEAL_SEAL)`, errno: unix.EINVAL, report: `fcntl(0, 1033, 1)`},
	{name: "not a pipe", call: `C.fcntl(0, C.F_GETPIPE_SZ)`, errno: unix.EBADF, report: `fcntl(0, 1032)`},
	{name: "a negative minimum", call: `C.fcntl(0, C.F_DUPFD, -1)`, errno: unix.EINVAL, report: `fcntl(0, 0, -1)`},
}

var extDescriptorRaises = []raiseCase{
	{`C.fcntl(1, C.F_SETFD)`, `init.script:1: bad argument #3 to 'fcntl' (number expected, got no value)`},
	{`C.fcntl(1, C.F_SETFL, nil)`, `init.script:1: bad argument #3 to 'fcntl' (number expected, got nil)`},
	{`C.fcntl(1, C.F_DUPFD, {})`, `init.script:1: bad argument #3 to 'fcntl' (number expected, got table)`},
}

func TestExtensionDescriptors(t *testing.T) {
	runCases(t, extDescriptorCases)
	runFailures(t, extDescriptorFailures)
	runRaises(t, extDescriptorRaises)
}
