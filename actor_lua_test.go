package initscript_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/go-initscript/initscript"
)

// spawnLua starts a Lua actor that the test ends, if it does not end by itself.
func spawnLua(t *testing.T, source string, options ...func(*initscript.Actor)) *initscript.Actor {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	t.Cleanup(cancel)
	description := initscript.Actor{ModuleSource: source, Stderr: os.Stderr}
	for _, option := range options {
		option(&description)
	}
	actor, err := initscript.Spawn(ctx, description)
	if err != nil {
		t.Fatalf("spawn: %v", err)
	}
	t.Cleanup(func() { actor.Kill(); actor.Close() })
	return actor
}

func TestLuaActorEchoes(t *testing.T) {
	actor := spawnLua(t, `
while true do
    parent:send(inbox:receive())
end`)
	for _, message := range []any{true, false, int64(1), 1.5, "text", []any{int64(1), "x"}, map[string]any{"a": int64(1)}} {
		if err := actor.Send(t.Context(), message); err != nil {
			t.Fatal(err)
		}
		got, err := actor.Receive(t.Context())
		t.Logf("%#v %v", got, err)
	}
	actor.Close()
	var failed *initscript.ActorError
	if err := actor.Wait(); !errors.As(err, &failed) || !strings.Contains(failed.Message, "Broadcast the address") {
		t.Errorf("wait: %v", err)
	} else {
		t.Logf("%q", failed.Stack)
	}
}
