package initscript

import (
	"os"
	"testing"
)

// A server that still has children must not make more of them once its host has given up rights,
// not even for code that has taken over the host.
func TestRetiredServerStartsNothing(t *testing.T) {
	cmd := Command("/bin/cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := cmd.child.server
	directory, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer directory.Close()
	start := func() error {
		c, err := new(spawnRequest).request(s, int(directory.Fd()))
		if err != nil {
			return err
		}
		defer s.forget(c)
		defer c.abandon()
		return c.awaitBirth(t.Context())
	}
	if err := start(); err != nil {
		t.Errorf("before: %v", err)
	}
	RenewServer()
	s.mu.Lock()
	s.retired = false
	s.mu.Unlock()
	if err := start(); err == nil {
		t.Error("a retired server has started a child")
	}
	s.mu.Lock()
	s.retired = true
	s.mu.Unlock()
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the child of the retired server: %v", err)
	}
}
