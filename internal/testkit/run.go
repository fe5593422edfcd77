//go:build linux

package testkit

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/ffitest"
	"golang.org/x/sys/unix"
)

// Timeout ends a process that hangs, so that a test fails instead of waiting for ever.
const Timeout = 30 * time.Second

// Command returns a Cmd that runs the script and then the program, with a sane PATH.
func Command(t *testing.T, script string, program ...string) *initscript.Cmd {
	t.Helper()
	ffitest.Require(t, script)
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	t.Cleanup(cancel)
	var cmd *initscript.Cmd
	if len(program) == 0 {
		cmd = initscript.CommandContext(ctx, "")
	} else {
		cmd = initscript.CommandContext(ctx, program[0], program[1:]...)
	}
	cmd.Script = script
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	return cmd
}

// OrdinaryID is a user and a group that have no account.
const OrdinaryID = 1000

// Result is what a script without a program did, as its parent sees it.
type Result struct {
	Sent           []string // the messages it wrote to arg
	Stdout, Stderr string
	Err            error
	State          *initscript.ProcessState
}

// RunScript runs a script whose arg is one end of a SEQPACKET pair, with S(x) as the short form of
// C.write(arg, tostring(x)), on one line with its beginning so that line numbers stay.
func RunScript(t *testing.T, script string, options ...func(*initscript.Cmd)) Result {
	t.Helper()
	host, arg := Socketpair(t)
	cmd := Command(t, "local function S(x) C.write(arg, tostring(x)) end "+script)
	cmd.Arg = arg
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	for _, option := range options {
		option(cmd)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start: %v", err)
	}
	arg.Close()
	sent := ReceiveAll(t, host)
	err := cmd.Wait()
	return Result{sent, stdout.String(), stderr.String(), err, cmd.ProcessState}
}

// InUserNamespace maps the caller to root in namespaces of its own.
func InUserNamespace(more initscript.Namespaces) func(*initscript.Cmd) {
	return func(cmd *initscript.Cmd) {
		cmd.Namespaces = initscript.NewUser | more
		cmd.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.GIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
}

// WithProgram has the script followed by a program.
func WithProgram(program ...string) func(*initscript.Cmd) {
	return func(cmd *initscript.Cmd) { cmd.Path, cmd.Args = program[0], program }
}

// Socketpair returns both ends of a SEQPACKET pair; the test closes them if nobody else does.
func Socketpair(t *testing.T) (a, b *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("socketpair: %v", err)
	}
	a, b = os.NewFile(uintptr(pair[0]), "host end"), os.NewFile(uintptr(pair[1]), "script end")
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// ReceiveAll returns the messages up to the end of the connection.
func ReceiveAll(t *testing.T, socket *os.File) []string {
	t.Helper()
	var messages []string
	buffer := make([]byte, 1<<16)
	for {
		n, err := socket.Read(buffer)
		if errors.Is(err, io.EOF) || n == 0 {
			return messages
		}
		if err != nil {
			t.Fatalf("read from script: %v", err)
		}
		messages = append(messages, string(buffer[:n]))
	}
}

// SubprocessMarker is the environment variable that names the test a subprocess is for.
const SubprocessMarker = "INITSCRIPT_TEST_SUBPROCESS"

// RunInSubprocess runs the calling test once more in a process of its own, for what cannot be
// undone or needs a host that ends. It returns true in that process.
func RunInSubprocess(t *testing.T, attr *syscall.SysProcAttr) bool {
	t.Helper()
	if os.Getenv(SubprocessMarker) == t.Name() {
		return true
	}
	pattern := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	cmd := exec.Command("/proc/self/exe", "-test.run="+pattern, "-test.v")
	cmd.Env = append(os.Environ(), SubprocessMarker+"="+t.Name())
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("in a subprocess: %v\n%s", err, out)
	} else if strings.Contains(string(out), "--- SKIP") {
		t.Skipf("in a subprocess:\n%s", out)
	}
	return false
}

// WaitForEver goes on after each signal that has a handler, such as those by which the Go runtime
// preempts goroutines.
func WaitForEver() {
	for {
		unix.Pause()
	}
}

// Main is the TestMain of packages whose tests start actors, which execute the program of the tests.
func Main(m *testing.M) {
	initscript.Main()
	os.Exit(m.Run())
}
