package forkserver

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/go-initscript/initscript/internal/seqpacket"
	"github.com/go-initscript/initscript/internal/wire"
	"golang.org/x/sys/unix"
)

// waitingChild never gets its orders: it lives as long as the host's end of its start socket.
type waitingChild struct {
	start *os.File
	born  chan error
	ended chan struct{}
}

func (c *waitingChild) Born(pid, pidfd int) {
	unix.Close(pidfd)
	c.born <- nil
}

func (c *waitingChild) Unreachable(err error) { c.born <- err }

func (c *waitingChild) NotBorn(call string, err error) {
	c.born <- &Error{call, err}
	close(c.ended)
}

func (c *waitingChild) Ended(*wire.Event) { close(c.ended) }

func (c *waitingChild) Lost() {
	c.born <- ErrGone
	close(c.ended)
}

func ask(t *testing.T, s *Server) (*waitingChild, error) {
	t.Helper()
	pair, err := seqpacket.Pair(0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	c := &waitingChild{
		os.NewFile(uintptr(pair[0]), "start socket"), make(chan error, 2), make(chan struct{}),
	}
	t.Cleanup(func() { c.start.Close() })
	if _, err := s.Request(c, 0, false, pair[1], StartOfServer); err != nil {
		return nil, err
	}
	select {
	case err := <-c.born:
		return c, err
	case <-time.After(30 * time.Second):
		return nil, errors.New("the server says nothing")
	}
}

// A server that still has children must not make more of them once its host has given up rights,
// not even for code that has taken over the host.
func TestRetiredServerStartsNothing(t *testing.T) {
	s, err := currentServer()
	if err != nil {
		t.Fatal(err)
	}
	first, err := ask(t, s)
	if err != nil {
		t.Fatalf("before: %v", err)
	}
	if err := Renew(); err != nil {
		t.Fatal(err)
	}
	setRetired := func(retired bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.retired = retired
	}
	setRetired(false)
	if _, err := ask(t, s); err == nil {
		t.Error("a retired server has started a child")
	}
	setRetired(true)
	select {
	case <-first.ended:
		t.Error("the child of the retired server has ended")
	default:
	}
	first.start.Close()
	select {
	case <-first.ended:
	case <-time.After(30 * time.Second):
		t.Error("the child of the retired server goes on")
	}
}
