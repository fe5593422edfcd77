package initscript_test

import (
	"context"
	"errors"
	"fmt"
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

// testTimeout ends a process that hangs, so that a test fails instead of waiting for ever.
const testTimeout = 30 * time.Second

// newCmd returns a Cmd that runs the script and then the program, with a sane PATH.
func newCmd(t *testing.T, script string, program ...string) *initscript.Cmd {
	t.Helper()
	ffitest.Require(t, script)
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
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

// scriptResult is what a script without a program did, as its parent sees it.
type scriptResult struct {
	Sent           []string // the messages it wrote to arg
	Stdout, Stderr string
	Err            error
	State          *initscript.ProcessState
}

// runScript runs a script whose arg is one end of a SEQPACKET pair, with S(x) as the short form of
// C.write(arg, tostring(x)), on one line with its beginning so that line numbers stay.
func runScript(t *testing.T, script string, options ...func(*initscript.Cmd)) scriptResult {
	t.Helper()
	host, arg := socketpair(t)
	cmd := newCmd(t, "local function S(x) C.write(arg, tostring(x)) end "+script)
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
	sent := receiveAll(t, host)
	err := cmd.Wait()
	return scriptResult{sent, stdout.String(), stderr.String(), err, cmd.ProcessState}
}

// inUserNamespace maps the caller to root in namespaces of its own.
func inUserNamespace(more initscript.Namespaces) func(*initscript.Cmd) {
	return func(cmd *initscript.Cmd) {
		cmd.Namespaces = initscript.NewUser | more
		cmd.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.GIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
}

// withProgram has the script followed by a program.
func withProgram(program ...string) func(*initscript.Cmd) {
	return func(cmd *initscript.Cmd) { cmd.Path, cmd.Args = program[0], program }
}

// socketpair returns both ends of a SEQPACKET pair; the test closes them if nobody else does.
func socketpair(t *testing.T) (a, b *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("socketpair: %v", err)
	}
	a, b = os.NewFile(uintptr(pair[0]), "host end"), os.NewFile(uintptr(pair[1]), "script end")
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// receiveAll returns the messages up to the end of the connection.
func receiveAll(t *testing.T, socket *os.File) []string {
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

// requireRoot skips where the test needs privileges outside of a user namespace.
func requireRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root") // the suite runs as root too
	}
}

// requireUserNamespaces skips where the machine does not let this user create one; with
// INITSCRIPT_MUST_WORK=1 that is a failure.
func requireUserNamespaces(t *testing.T) {
	t.Helper()
	cmd := newCmd(t, "")
	inUserNamespace(0)(cmd)
	if err := cmd.Run(); err != nil {
		skip(t, "user namespaces are not available: "+explained(err))
	}
}

// requireProgram skips where a program that the test drives is not installed.
func requireProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		skip(t, err.Error())
	}
	return path
}

// explained is the text of an error with its hint, as the doctor would give it.
func explained(err error) string {
	if hint := initscript.Hint(err); hint != "" {
		return fmt.Sprintf("%v; hint: %s", err, hint)
	}
	return err.Error()
}

func skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("INITSCRIPT_MUST_WORK") == "1" {
		t.Fatalf("INITSCRIPT_MUST_WORK=1, but %s", reason)
	}
	t.Skip(reason)
}

// subprocessMarker is the environment variable that names the test a subprocess is for.
const subprocessMarker = "INITSCRIPT_TEST_SUBPROCESS"

// runInSubprocess runs the calling test once more in a process of its own, for what cannot be
// undone or needs a host that ends. It returns true in that process.
func runInSubprocess(t *testing.T, attr *syscall.SysProcAttr) bool {
	t.Helper()
	if os.Getenv(subprocessMarker) == t.Name() {
		return true
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v")
	cmd.Env = append(os.Environ(), subprocessMarker+"="+t.Name())
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("in a subprocess: %v\n%s", err, out)
	} else if strings.Contains(string(out), "--- SKIP") {
		t.Skipf("in a subprocess:\n%s", out)
	}
	return false
}
