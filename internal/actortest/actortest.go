//go:build linux

package actortest

import (
	"context"
	"os"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
)

// SpawnLua starts a Lua actor that ends with the test at the latest.
func SpawnLua(t *testing.T, source string) *initscript.Actor {
	t.Helper()
	return Spawn(t, initscript.Actor{ModuleSource: source, Stderr: os.Stderr})
}

// Context ends with the test, or when its time is over.
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Timeout)
	t.Cleanup(cancel)
	return ctx
}

// Spawn starts an actor that ends with the test at the latest.
func Spawn(t *testing.T, config initscript.Actor) *initscript.Actor {
	t.Helper()
	actor, err := initscript.Spawn(Context(t), config)
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

// Ask sends a question to the entry "probe" and returns the answer.
func Ask(t *testing.T, actor *initscript.Actor, question ...any) any {
	t.Helper()
	return Exchange(t, actor, question)
}

// Exchange sends a message and returns the answer.
func Exchange(t *testing.T, actor *initscript.Actor, message any) any {
	t.Helper()
	ctx := Context(t)
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

// Finish lets an actor end by itself.
func Finish(t *testing.T, actor *initscript.Actor) {
	t.Helper()
	testkit.Must(t, actor.Close())
	if err := actor.Wait(); err != nil {
		t.Errorf("wait: %v", err)
	}
}

// MappedToRoot has the actor be root of a user namespace.
func MappedToRoot(config initscript.Actor) initscript.Actor {
	config.Namespaces |= initscript.NewUser
	config.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	config.GIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	return config
}
