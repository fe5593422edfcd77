package mailbox_test

import (
	"context"
	"os"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
)

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Timeout)
	t.Cleanup(cancel)
	return ctx
}

// spawnLua starts a Lua actor that ends with the test at the latest.
func spawnLua(t *testing.T, source string) *initscript.Actor {
	t.Helper()
	actor, err := initscript.Spawn(testContext(t),
		initscript.Actor{ModuleSource: source, Stderr: os.Stderr})
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

// runWithMounts runs the calling test once more, as root, in a process with a mount namespace of its
// own. It returns true in that process.
func runWithMounts(t *testing.T) bool {
	t.Helper()
	testkit.RequireRoot(t)
	testkit.RequireNamespacesForSubprocess(t, initscript.NewMount)
	return testkit.RunInSubprocess(t, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS})
}
