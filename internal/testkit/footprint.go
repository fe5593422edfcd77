//go:build linux

package testkit

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-initscript/initscript/mailbox"
)

// Footprint is what starts could leave behind in the host and its server.
type Footprint struct {
	hostDescriptors, serverDescriptors int
	goroutines                         int
	zombies                            int
	serverRSS                          int // kB
}

// TakeFootprint says what there is now.
func TakeFootprint(t *testing.T) Footprint {
	t.Helper()
	server := TheServer(t)
	runtime.GC() // closes files that nobody holds
	return Footprint{
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
	Must(t, err)
	return len(entries)
}

func countZombies(parent int) int {
	count := 0
	statuses, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, path := range statuses {
		status, _ := os.ReadFile(path)
		isChild := StatusField(string(status), "PPid") == strconv.Itoa(parent)
		if isChild && strings.HasPrefix(StatusField(string(status), "State"), "Z") {
			count++
		}
	}
	return count
}

func residentKB(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	Must(t, err)
	kB, err := strconv.Atoi(strings.TrimSuffix(StatusField(string(status), "VmRSS"), " kB"))
	Must(t, err)
	return kB
}

func (f Footprint) exceeds(before Footprint) bool {
	return f.hostDescriptors > before.hostDescriptors ||
		f.serverDescriptors > before.serverDescriptors ||
		f.zombies > before.zombies || f.goroutines > before.goroutines ||
		f.serverRSS > before.serverRSS+512
}

// CheckFootprint waits for what ends by itself, such as a child that its start has given up, and takes
// what is then still there for left behind.
func CheckFootprint(t *testing.T, before Footprint) {
	t.Helper()
	after := TakeFootprint(t)
	for begun := time.Now(); after.exceeds(before) && time.Since(begun) < Timeout; {
		// A process that has closed a socket is waited for when the next one is closed.
		if after.zombies > before.zombies {
			inbox := mailbox.NewInbox()
			channel, err := inbox.Address()
			Must(t, err)
			channel.Close()
			inbox.Close()
		}
		time.Sleep(time.Millisecond)
		after = TakeFootprint(t)
	}
	if after.exceeds(before) {
		t.Errorf("left behind: %+v, before: %+v", after, before)
	}
}
