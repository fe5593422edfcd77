package procfs

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestReadFile(t *testing.T) {
	content, err := ReadFile("/proc/self/status", make([]byte, 16<<10))
	if err != nil || !strings.Contains(string(content), "\nPid:\t") {
		t.Errorf("%q, %v", content, err)
	}
	if _, err := ReadFile("/proc/self/status", make([]byte, 16)); !errors.Is(err, unix.EFBIG) {
		t.Errorf("a buffer that is too small: %v", err)
	}
	if _, err := ReadFile("/proc/self/none", make([]byte, 16)); !errors.Is(err, unix.ENOENT) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// A zombie has ended, and so has what was waited for.
func TestHasEnded(t *testing.T) {
	cmd := exec.Command("cat")
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	directory, err := unix.Open(fmt.Sprintf("/proc/%d", cmd.Process.Pid),
		unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(directory)
	if HasEnded(directory) {
		t.Error("it runs")
	}
	input.Close()
	deadline := time.Now().Add(30 * time.Second)
	for ; !HasEnded(directory); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is a zombie")
		}
	}
	cmd.Wait()
	if !HasEnded(directory) {
		t.Error("it was waited for")
	}
}
