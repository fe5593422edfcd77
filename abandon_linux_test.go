package initscript

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A start that is given up after the child has got its orders, and before the server has told who it
// is, must not leave it running.
func TestAbandonedChildIsKilled(t *testing.T) {
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
	defer unix.Close(memfd)
	c, err := request.requestFromLikeServer(int(directory.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.sendGoAhead(request, memfd, size); err != nil {
		t.Fatal(err)
	}
	c.reports.interrupt()
	c.abandon()
	select {
	case <-c.ended:
	case <-time.After(30 * time.Second):
		t.Error("the child goes on")
	}
}
