package pidfd

import (
	"errors"
	"fmt"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// A pidfd and a directory in /proc serve alike, but for what others can use as a pidfd.
func TestDescriptors(t *testing.T) {
	for _, kind := range []string{"pidfd", "directory"} {
		t.Run(kind, func(t *testing.T) {
			cmd := exec.Command("sleep", "1000")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			fd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
			if kind == "directory" {
				unix.Close(fd)
				fd, err = unix.Open(fmt.Sprintf("/proc/%d", cmd.Process.Pid),
					unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
			} else if err == unix.ENOSYS {
				cmd.Process.Kill()
				t.Skip("pidfd_open needs Linux 5.3")
			}
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			if err := Check(fd); (err == nil) != (kind == "pidfd") || err != nil &&
				!errors.Is(err, unix.ENOSYS) {
				t.Errorf("Check: %v", err)
			}
			directory, err := OpenDirectory(fd)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(directory)
			var status unix.Stat_t
			if err := unix.Fstatat(directory, "stat", &status, 0); err != nil {
				t.Errorf("stat in the directory: %v", err)
			}
			if err := Signal(fd, 0); err != nil {
				t.Errorf("Signal(0): %v", err)
			}
			if err := Signal(fd, unix.SIGKILL); err != nil {
				t.Fatalf("Signal(SIGKILL): %v", err)
			}
			Wait(fd)
			cmd.Wait()
			Wait(fd)
			if err := Signal(fd, 0); err != unix.ESRCH {
				t.Errorf("Signal to what has ended: %v", err)
			}
		})
	}
}
