package confine_test

import (
	"encoding/binary"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/seccomp"
	"golang.org/x/sys/unix"
)

// refusing is a filter under which system calls fail. Those by which the Go runtime wakes its poller, of
// eight bytes, do not: it gives up without them.
func refusing(t *testing.T, calls string) []byte {
	t.Helper()
	condition := ""
	if calls == "write" {
		condition = ", args: [{arg: 2, width: 64, ne: 8}]"
	}
	policy, err := seccomp.ParsePolicy([]byte(
		"default_action: allow\nrules: [{names: [" + calls + "]" + condition +
			", action: {errno: EPERM}}]"))
	testkit.Must(t, err)
	filter, err := policy.Compile()
	testkit.Must(t, err)
	return filter
}

// sendAnyhow sends a message by a call that the filters above do not know.
func sendAnyhow(fd int, data []byte, fds ...int) {
	type mmsghdr struct {
		header unix.Msghdr
		length uint32
		_      [4]byte
	}
	rights := unix.UnixRights(fds...)
	data = append([]byte(nil), data...)
	message := mmsghdr{header: unix.Msghdr{Iov: &unix.Iovec{Base: &data[0]}, Iovlen: 1,
		Control: &rights[0]}}
	message.header.Iov.SetLen(len(data))
	message.header.SetControllen(len(rights))
	unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&message)), 1,
		unix.MSG_DONTWAIT, 0, 0)
	runtime.KeepAlive(data)
}

// askEveryServer does what code that has taken over this process could do: it asks for a child, as
// struct initscript_request says it, on every socket that could lead to a fork server. The returned
// function tells whether there was an answer; what was running must have ended by then.
func askEveryServer(t *testing.T) (answered func() bool) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	testkit.Must(t, err)
	root, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
	testkit.Must(t, err)
	request := binary.NativeEndian.AppendUint32(nil, 1) // INITSCRIPT_START
	request = binary.NativeEndian.AppendUint32(request, 0)
	request = binary.NativeEndian.AppendUint64(request, 4711)
	request = binary.NativeEndian.AppendUint32(request, 0)
	request = binary.NativeEndian.AppendUint32(request, 1) // say when you are there
	for fd := 3; fd < 1024; fd++ {
		kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
		if err == nil && kind == unix.SOCK_SEQPACKET && fd != pair[0] && fd != pair[1] {
			sendAnyhow(fd, request, pair[1], root)
		}
	}
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	testkit.Must(t, err)
	testkit.Must(t, unix.Dup3(null, pair[1], unix.O_CLOEXEC)) // where close(2) is refused
	return func() bool {
		n, err := unix.Read(pair[0], make([]byte, 64))
		return err == nil && n > 0
	}
}

// The attack works on the server that a host has now.
func TestServerAnswersItsHost(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	testkit.Must(t, testkit.Command(t, "", "true").Run())
	answered := askEveryServer(t)
	if !answered() {
		t.Error("no answer")
	}
}

// A process that has confined itself, under whatever filter, has no server left that would start
// anything unconfined, though a child of before still runs.
func TestConfineLeavesNoServer(t *testing.T) {
	for _, refused := range []string{"sendmsg", "write", "close", "kill", "shutdown", "wait4",
		"sendmsg, shutdown, kill, close, wait4"} {
		t.Run(strings.ReplaceAll(refused, ", ", " and "), func(t *testing.T) {
			if !testkit.RunInSubprocess(t, nil) {
				return
			}
			cmd := testkit.Command(t, "", "cat")
			stdin, err := cmd.StdinPipe()
			testkit.Must(t, err)
			testkit.Must(t, cmd.Start())
			testkit.Must(t, initscript.Confine(testkit.Install(testkit.LuaLiteral(refusing(t, refused))),
				nil))
			answered := askEveryServer(t)
			stdin.Close()
			if refused == "close" || strings.Contains(refused, ", close") {
				testkit.Must(t, cmd.Process.Signal(unix.SIGTERM)) // it sees no end of its input
			}
			cmd.Wait()
			if answered() {
				t.Error("the server from before has made a child")
			}
		})
	}
}

// A process that applies a filter by itself and then calls RenewServer is in the same position. Where
// nothing else is allowed the server ends, and its children with it; where not even that is possible,
// RenewServer says so.
func TestRenewServerUnderFilter(t *testing.T) {
	for _, test := range []struct {
		refused        string
		childDies, err bool
	}{
		{"write", false, false},
		{"close", false, false},
		{"kill", false, false},
		{"sendmsg", true, false},
		{"sendmsg, shutdown", true, false},
		{"sendmsg, kill, close", true, false},
		{"sendmsg, shutdown, kill, pidfd_send_signal", false, true},
	} {
		t.Run(strings.ReplaceAll(test.refused, ", ", " and "), func(t *testing.T) {
			if !testkit.RunInSubprocess(t, nil) {
				return
			}
			cmd := testkit.Command(t, "", "cat")
			stdin, err := cmd.StdinPipe()
			testkit.Must(t, err)
			testkit.Must(t, cmd.Start())
			applyFilter(t, refusing(t, test.refused))
			err = initscript.RenewServer()
			if (err != nil) != test.err {
				t.Errorf("RenewServer: %v", err)
			}
			if test.err {
				return
			}
			answered := askEveryServer(t)
			if !test.childDies {
				if strings.Contains(test.refused, "close") {
					testkit.Must(t, cmd.Process.Signal(unix.SIGTERM))
				}
				stdin.Close()
			}
			cmd.Wait()
			if answered() {
				t.Error("the old server has made a child")
			}
		})
	}
}

// applyFilter puts all threads under a seccomp filter.
func applyFilter(t *testing.T, filter []byte) {
	t.Helper()
	const setModeFilter, tsync, size = 1, 1, 8
	program := unix.SockFprog{
		Len:    uint16(len(filter) / size),
		Filter: (*unix.SockFilter)(unsafe.Pointer(&filter[0])),
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	testkit.Must(t, unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, setModeFilter, tsync,
		uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		t.Fatal(os.NewSyscallError("seccomp", errno))
	}
}

// A start that another goroutine has begun has its plan before the script of Confine runs, and
// later ones get a server that is confined.
func TestConfineDuringStarts(t *testing.T) {
	testkit.RequireRoot(t)
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	stop, done := make(chan struct{}), make(chan error)
	for range 4 {
		go func() {
			for {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				if err := testkit.Command(t, "", "true").Run(); err != nil {
					done <- err
					return
				}
			}
		}()
	}
	testkit.Must(t, testkit.Command(t, "", "true").Run())
	testkit.Must(t, initscript.Confine("C.setgroups({}) C.setresgid(1004, 1004, 1004) "+
		"C.setresuid(1004, 1004, 1004)", nil))
	out, err := testkit.Command(t, "", "id", "-u").Output()
	if err != nil || string(out) != "1004\n" {
		t.Errorf("%q, %v", out, err)
	}
	close(stop)
	for range 4 {
		testkit.Must(t, <-done)
	}
}
