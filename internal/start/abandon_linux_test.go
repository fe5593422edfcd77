package start

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/go-initscript/initscript/internal/actorself"
	"github.com/go-initscript/initscript/internal/forkserver"
	"golang.org/x/sys/unix"
)

// loopingChild has a child made whose script never ends. The returned function gives it its orders.
func loopingChild(t *testing.T, birth func(*Request) (*Child, error)) (c *Child, goAhead func()) {
	t.Helper()
	null, err := actorself.OpenNull()
	if err != nil {
		t.Fatal(err)
	}
	request := &Request{
		Plan:  Plan{Script: "while true do end", ScriptName: "loop", MemoryLimit: 64 << 20},
		Stdio: [3]*os.File{null, null, null},
		Inbox: null,
	}
	memfd, size, err := request.Plan.seal()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(memfd) })
	c, err = birth(request)
	if err != nil {
		t.Fatal(err)
	}
	return c, func() {
		t.Helper()
		if err := c.sendGoAhead(request, memfd, size); err != nil {
			t.Fatal(err)
		}
	}
}

func awaitEnd(t *testing.T, c *Child) {
	t.Helper()
	select {
	case <-c.ended:
	case <-time.After(30 * time.Second):
		t.Error("the child goes on")
	}
}

// A start that is given up after the child has got its orders, and before the server has told who it
// is, must not leave it running.
func TestAbandonedChildIsKilled(t *testing.T) {
	c, goAhead := loopingChild(t, (*Request).birth)
	goAhead()
	c.reports.interrupt()
	c.abandon()
	awaitEnd(t, c)
}

// unbornChild is a child whose server has stopped before it could see the request. The returned function
// has it go on.
func unbornChild(t *testing.T) (c *Child, goOn func()) {
	var pid int
	c, _ = loopingChild(t, func(r *Request) (*Child, error) {
		stopped := forkserver.Birth{
			Request: func(s *forkserver.Server) (err error) {
				pid = s.Pid()
				if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
					return err
				}
				t.Cleanup(func() { unix.Kill(pid, unix.SIGCONT) })
				c, err = r.ask(s, forkserver.StartOfServer)
				return err
			},
			Abandon: func() { t.Error("the server is unlike this thread") },
		}
		if err := stopped.ByLikeServer(); err != nil {
			return nil, err
		}
		memfd, size, err := r.Plan.seal()
		if err != nil {
			return nil, err
		}
		defer unix.Close(memfd)
		return c, c.sendGoAhead(r, memfd, size)
	})
	return c, func() {
		if err := unix.Kill(pid, unix.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
}

// Nor one whose pidfd finds no room in the host. The cause is told.
func TestChildWithoutRoomForPidfdIsKilled(t *testing.T) {
	c, goOn := unbornChild(t)
	free, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(free)
	var limit unix.Rlimit
	if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
		t.Fatal(err)
	}
	full := unix.Rlimit{Cur: uint64(free), Max: limit.Max}
	if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, &full, nil); err != nil {
		t.Fatal(err)
	}
	goOn()
	err = c.awaitBirth(t.Context())
	if restoreErr := unix.Prlimit(0, unix.RLIMIT_NOFILE, &limit, nil); restoreErr != nil {
		t.Fatal(restoreErr)
	}
	var setup *SetupError
	if !errors.As(err, &setup) || *setup != (SetupError{"receive pidfd", unix.EMFILE}) {
		t.Errorf("error: %v", err)
	}
	c.abandon()
	awaitEnd(t, c)
}

// Nor one that is born after it was given up.
func TestUnbornChildIsKilled(t *testing.T) {
	c, goOn := unbornChild(t)
	c.abandon()
	goOn()
	awaitEnd(t, c)
}
