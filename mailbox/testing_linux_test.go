package mailbox_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-initscript/initscript"
)

// testTimeout ends what hangs, so that a test fails instead of waiting for ever.
const testTimeout = 30 * time.Second

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

// spawnLua starts a Lua actor that ends with the test at the latest.
func spawnLua(t *testing.T, source string) *initscript.Actor {
	t.Helper()
	actor, err := initscript.Spawn(testContext(t), initscript.Actor{ModuleSource: source, Stderr: os.Stderr})
	if err != nil {
		t.Fatalf("spawn: %v", err)
	}
	t.Cleanup(func() {
		actor.Kill()
		actor.Close()
		actor.Wait()
	})
	return actor
}

// exchange sends a message and returns the answer.
func exchange(t *testing.T, actor *initscript.Actor, message any) any {
	t.Helper()
	ctx := testContext(t)
	if err := actor.Send(ctx, message); err != nil {
		t.Fatalf("send %.100v: %v", message, err)
	}
	answer, err := actor.Receive(ctx)
	if err != nil {
		actor.Kill()
		t.Fatalf("answer to %.100v: %v; the actor: %v", message, err, actor.Wait())
	}
	return answer
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

// runWithMounts runs the calling test once more, in a process with a mount namespace of its own. It
// returns true in that process.
func runWithMounts(t *testing.T) bool {
	t.Helper()
	if os.Getenv(subprocessMarker) == t.Name() {
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root") // the suite runs as root too
	}
	attributes := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	trial := exec.Command("/bin/true")
	trial.SysProcAttr = attributes
	if err := trial.Run(); err != nil {
		skip(t, "mount namespaces are not available: "+err.Error())
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), subprocessMarker+"="+t.Name())
	cmd.SysProcAttr = attributes
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("in a subprocess: %v\n%s", err, out)
	} else if strings.Contains(string(out), "--- SKIP") {
		t.Skipf("in a subprocess:\n%s", out)
	}
	return false
}
