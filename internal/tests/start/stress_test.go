package start_test

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
)

// oneOfMany starts something that succeeds or fails in one of several ways.
func oneOfMany(t *testing.T, i int) {
	var cmd *initscript.Cmd
	wantError := true
	switch i % 5 {
	case 0:
		cmd = testkit.Command(t, `C.open("/dev/null", 0)`, "/bin/true")
		wantError = false
	case 1:
		cmd = testkit.Command(t, `C.open("/nonexistent", 0)`, "/bin/true")
	case 2:
		cmd = testkit.Command(t, "", "/nonexistent")
	case 3:
		cmd = testkit.Command(t, "", "/bin/true")
		cmd.Namespaces = initscript.NewUser | initscript.NewPID
		cmd.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 0}} // refused
	case 4:
		cmd = testkit.Command(t, "", "/bin/cat")
		cmd.Stdin, cmd.Stdout = strings.NewReader("text"), new(strings.Builder)
		wantError = false
	}
	if err := cmd.Run(); (err != nil) != wantError {
		t.Errorf("start %d: %v", i, err)
	}
}

func TestThousandStarts(t *testing.T) {
	before := testkit.TakeFootprint(t)
	for i := range 1000 {
		oneOfMany(t, i)
	}
	testkit.CheckFootprint(t, before)
}

func TestManyAtOnce(t *testing.T) {
	before := testkit.TakeFootprint(t)
	for range 4 {
		var group sync.WaitGroup
		for i := range 64 {
			group.Go(func() { oneOfMany(t, i) })
		}
		group.Wait()
	}
	testkit.CheckFootprint(t, before)
}

// Servers are replaced under the hands of those who use them.
func TestManyAtOnceWithDyingServers(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	before := testkit.TakeFootprint(t)
	done := make(chan struct{})
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			for range 8 {
				oneOfMany(t, i*4+(i%2)*2)
			}
		})
	}
	go func() { group.Wait(); close(done) }()
	for renewed := 0; ; renewed++ {
		select {
		case <-done:
			if renewed == 0 {
				t.Error("nothing was renewed")
			}
			testkit.CheckFootprint(t, before)
			return
		default:
			initscript.RenewServer()
			testkit.Command(t, "").Run()
		}
	}
}
