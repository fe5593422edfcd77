package initscript

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// loopingChild has a child made whose script never ends. The returned function gives it its orders.
func loopingChild(t *testing.T, server func(*spawnRequest, int) (*child, error)) (c *child, goAhead func()) {
	t.Helper()
	null, err := openNull()
	if err != nil {
		t.Fatal(err)
	}
	directory, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer directory.Close()
	request := &spawnRequest{
		plan:  plan{script: "while true do end", scriptName: "loop", memoryLimit: DefaultMemoryLimit},
		stdio: [3]*os.File{null, null, null},
		inbox: null,
	}
	memfd, size, err := request.plan.seal()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(memfd) })
	c, err = server(request, int(directory.Fd()))
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

func awaitEnd(t *testing.T, c *child) {
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
	c, goAhead := loopingChild(t, (*spawnRequest).requestFromLikeServer)
	goAhead()
	c.reports.interrupt()
	c.abandon()
	awaitEnd(t, c)
}

// unbornChild is a child whose server has stopped before it could see the request. The returned function
// has it go on.
func unbornChild(t *testing.T) (c *child, goOn func()) {
	c, _ = loopingChild(t, func(r *spawnRequest, directory int) (*child, error) {
		s, err := currentServer()
		if err != nil {
			return nil, err
		}
		if err := unix.Kill(s.pid, unix.SIGSTOP); err != nil {
			return nil, err
		}
		t.Cleanup(func() { unix.Kill(s.pid, unix.SIGCONT) })
		c, err := r.request(s, directory)
		if err != nil {
			return nil, err
		}
		memfd, size, err := r.plan.seal()
		if err != nil {
			return nil, err
		}
		defer unix.Close(memfd)
		return c, c.sendGoAhead(r, memfd, size)
	})
	return c, func() {
		if err := unix.Kill(c.server.pid, unix.SIGCONT); err != nil {
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
	const want = "set up child: receive pidfd: too many open files (EMFILE)"
	if err == nil || err.Error() != want {
		t.Errorf("error: %v, want %s", err, want)
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
