package confine_test

import (
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-initscript/initscript/internal/actortest"
	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// openInLua answers questions as the entry "probe" does, of one kind.
const openInLua = `while true do parent:send(io.open(inbox:receive()[2]) ~= nil) end`

// What a confined host spawns, and what that starts, is confined: whether or not a fork server from
// before is still there, as the parent of actors and of those that were detached.
func TestConfineActorsCannotEscape(t *testing.T) {
	asEachUser(t, false, func(t *testing.T) {
		start := func() []*initscript.Actor {
			return []*initscript.Actor{
				actortest.Spawn(t, initscript.Actor{Entry: "probe", Stderr: os.Stderr}),
				actortest.SpawnLua(t, openInLua),
			}
		}
		before, detached := start(), start()
		for _, actor := range detached {
			testkit.Must(t, actor.Detach())
		}
		testkit.Must(t, initscript.Confine(`set_no_new_privs() `+childRules, nil))
		for _, actor := range append(before, detached...) {
			// They run with the rights that they have got, as docs/guide/live-mode.md says.
			if got := actortest.Ask(t, actor, "open", "/etc/passwd"); got != true {
				t.Errorf("actor from before: %v", got)
			}
		}
		after := start()
		for _, actor := range after {
			testkit.Must(t, actor.Detach())
		}
		for _, actor := range append(after, start()...) {
			got := actortest.Ask(t, actor, "open", "/etc/passwd")
			if got != false && got != "error: open /etc/passwd: permission denied" {
				t.Errorf("actor %q: %v", actor.Entry, got)
			}
			if got := actortest.Ask(t, actor, "open", "/dev/null"); got != true {
				t.Errorf("actor %q: what is allowed: %v", actor.Entry, got)
			}
		}
		got := actortest.Ask(t, after[0], "child opens", "/etc/passwd")
		if text, _ := got.(string); !strings.Contains(text, "permission denied") {
			t.Errorf("child of an actor: %v", got)
		}
		if got := actortest.Ask(t, after[0], "child opens", "/dev/null"); got != true {
			t.Errorf("child of an actor: what is allowed: %v", got)
		}
	})
}

// An actor can confine itself, with all that it starts; its host is not affected.
func TestConfineInActor(t *testing.T) {
	actor := actortest.Spawn(t, initscript.Actor{Entry: "probe", Stderr: os.Stderr})
	if got := actortest.Ask(t, actor, "child opens", "/etc/passwd"); got != true {
		t.Errorf("before: %v", got)
	}
	if got := actortest.Ask(t, actor, "confine", "set_no_new_privs() "+childRules); got != true {
		t.Fatalf("confine: %v", got)
	}
	for _, question := range []string{"open", "child opens"} {
		got := actortest.Ask(t, actor, question, "/etc/passwd")
		if text, _ := got.(string); !strings.Contains(text, "permission denied") {
			t.Errorf("%s: %v", question, got)
		}
		if got := actortest.Ask(t, actor, question, "/dev/null"); got != true {
			t.Errorf("%s what is allowed: %v", question, got)
		}
	}
	if file, err := os.Open("/etc/passwd"); err != nil {
		t.Errorf("host: %v", err)
	} else {
		file.Close()
	}
}

// While one goroutine confines the process, others start children without a pause: no start that
// begins after Confine has returned may get one from the old fork server, which is forking.
func TestConfineWhileChildrenStart(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	const starters, confinedStarts = 8, 5
	var confined atomic.Bool
	var ready, done sync.WaitGroup
	ready.Add(starters)
	for range starters {
		done.Go(func() {
			begun := sync.OnceFunc(ready.Done)
			for rest := confinedStarts; rest > 0; {
				mustFail := confined.Load()
				err := testkit.Command(t, `C.open('/etc/passwd', C.O_RDONLY)`).Run()
				begun()
				if err != nil && !errors.Is(err, unix.EACCES) {
					t.Errorf("start: %v", err)
					return
				}
				if mustFail && err == nil {
					t.Error("a start after Confine has made an unconfined child")
				}
				if mustFail {
					rest--
				}
			}
		})
	}
	ready.Wait()
	testkit.Must(t, initscript.Confine(`set_no_new_privs() `+childRules, nil))
	confined.Store(true)
	done.Wait()
}
