package initscript_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/mailbox"
)

// footprint is what starts could leave behind in the host and its server.
type footprint struct {
	hostDescriptors, serverDescriptors int
	goroutines                         int
	zombies                            int
	serverRSS                          int // kB
}

func takeFootprint(t *testing.T) footprint {
	t.Helper()
	server := theServer(t)
	runtime.GC() // closes files that nobody holds
	return footprint{
		hostDescriptors:   countEntries(t, "/proc/self/fd"),
		serverDescriptors: countEntries(t, fmt.Sprintf("/proc/%d/fd", server)),
		goroutines:        runtime.NumGoroutine(),
		zombies:           countZombies(os.Getpid()) + countZombies(server),
		serverRSS:         residentKB(t, server),
	}
}

func countEntries(t *testing.T, directory string) int {
	t.Helper()
	entries, err := os.ReadDir(directory)
	must(t, err)
	return len(entries)
}

func countZombies(parent int) int {
	count := 0
	statuses, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, path := range statuses {
		status, _ := os.ReadFile(path)
		if statusField(string(status), "PPid") == strconv.Itoa(parent) && strings.HasPrefix(statusField(string(status), "State"), "Z") {
			count++
		}
	}
	return count
}

func residentKB(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	kB, err := strconv.Atoi(strings.TrimSuffix(statusField(string(status), "VmRSS"), " kB"))
	must(t, err)
	return kB
}

func (f footprint) exceeds(before footprint) bool {
	return f.hostDescriptors > before.hostDescriptors || f.serverDescriptors > before.serverDescriptors ||
		f.zombies > before.zombies || f.goroutines > before.goroutines || f.serverRSS > before.serverRSS+512
}

// checkFootprint waits for what ends by itself, such as a child that its start has given up, and takes what
// is then still there for left behind.
func checkFootprint(t *testing.T, before footprint) {
	t.Helper()
	after := takeFootprint(t)
	for begun := time.Now(); after.exceeds(before) && time.Since(begun) < testTimeout; after = takeFootprint(t) {
		if after.zombies > before.zombies { // a process that has closed a socket is waited for when the next one is closed
			inbox := mailbox.NewInbox()
			channel, err := inbox.Address()
			must(t, err)
			channel.Close()
			inbox.Close()
		}
		time.Sleep(time.Millisecond)
	}
	if after.exceeds(before) {
		t.Errorf("left behind: %+v, before: %+v", after, before)
	}
}

// oneOfMany starts something that succeeds or fails in one of several ways.
func oneOfMany(t *testing.T, i int) {
	var cmd *initscript.Cmd
	wantError := true
	switch i % 5 {
	case 0:
		cmd = newCmd(t, `C.open("/dev/null", 0)`, "/bin/true")
		wantError = false
	case 1:
		cmd = newCmd(t, `C.open("/nonexistent", 0)`, "/bin/true")
	case 2:
		cmd = newCmd(t, "", "/nonexistent")
	case 3:
		cmd = newCmd(t, "", "/bin/true")
		cmd.Namespaces = initscript.NewUser | initscript.NewPID
		cmd.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 0}} // refused
	case 4:
		cmd = newCmd(t, "", "/bin/cat")
		cmd.Stdin, cmd.Stdout = strings.NewReader("text"), new(strings.Builder)
		wantError = false
	}
	if err := cmd.Run(); (err != nil) != wantError {
		t.Errorf("start %d: %v", i, err)
	}
}

func TestThousandStarts(t *testing.T) {
	before := takeFootprint(t)
	for i := range 1000 {
		oneOfMany(t, i)
	}
	checkFootprint(t, before)
}

func TestManyAtOnce(t *testing.T) {
	before := takeFootprint(t)
	for range 4 {
		var group sync.WaitGroup
		for i := range 64 {
			group.Go(func() { oneOfMany(t, i) })
		}
		group.Wait()
	}
	checkFootprint(t, before)
}

// Servers are replaced under the hands of those who use them.
func TestManyAtOnceWithDyingServers(t *testing.T) {
	if !runInSubprocess(t, nil) {
		return
	}
	before := takeFootprint(t)
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
			checkFootprint(t, before)
			return
		default:
			initscript.RenewServer()
			newCmd(t, "").Run()
		}
	}
}
