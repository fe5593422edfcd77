// Command gosandbox measures starts with github.com/criyle/go-sandbox. It is a module of its own, so
// that nothing else depends on that one. It obeys the same commands as limit/limit.c:
//
//	start LEVEL exec
//
// with the LEVELs six and box, and answers with nanoseconds or an error.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/criyle/go-sandbox/pkg/forkexec"
	"github.com/criyle/go-sandbox/pkg/mount"
	"golang.org/x/sys/unix"
)

func main() {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gosandbox:", err)
		os.Exit(1)
	}
	runners := make(map[string]*forkexec.Runner)
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		level := commands.Text()
		if runners[level] == nil {
			if runners[level], err = newRunner(level, null.Fd()); err != nil {
				fmt.Println("error:", err)
				continue
			}
		}
		begin := time.Now()
		err := run(runners[level])
		if took := time.Since(begin); err != nil {
			fmt.Println("error:", err)
		} else {
			fmt.Println(took.Nanoseconds())
		}
	}
}

func newRunner(command string, null uintptr) (*forkexec.Runner, error) {
	r := &forkexec.Runner{
		Args:  []string{"/bin/true"},
		Files: []uintptr{null, null, null},
		CloneFlags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
			unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		UIDMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GIDMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
	switch command {
	case "start six exec":
		return r, nil
	case "start box exec":
	default:
		return nil, fmt.Errorf("unknown command %q", command)
	}
	mounts, err := boxMounts().Build()
	if err != nil {
		return nil, fmt.Errorf("prepare mounts: %w", err)
	}
	r.Mounts, r.PivotRoot = mounts, "/tmp"
	r.HostName = "box"
	r.DropCaps, r.NoNewPrivs = true, true
	return r, nil
}

// boxMounts is as close to examples/rootless-box.lua as this library goes: it makes no symbolic
// links, so there are bind mounts instead.
func boxMounts() *mount.Builder {
	b := mount.NewBuilder().WithProc()
	for _, path := range []string{
		"usr", "etc", "bin", "sbin", "lib", "lib32", "lib64", "libx32",
		"dev/null", "dev/zero", "dev/full", "dev/random", "dev/urandom", "dev/tty",
	} {
		b.WithBind("/"+path, path, !strings.HasPrefix(path, "dev/"))
	}
	b.WithTmpfs("dev/shm", "mode=1777")
	b.WithMounts([]mount.Mount{{
		Source: "devpts", Target: "dev/pts", FsType: "devpts",
		Flags: unix.MS_NOSUID | unix.MS_NOEXEC, Data: "newinstance,ptmxmode=0666,mode=0620",
	}})
	b.WithTmpfs("tmp", "mode=1777")
	return b.FilterNotExist()
}

func run(r *forkexec.Runner) error {
	pid, err := r.Start()
	if err != nil {
		return err
	}
	var status syscall.WaitStatus
	for {
		_, err = syscall.Wait4(pid, &status, 0, nil)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		return os.NewSyscallError("wait4", err)
	}
	if status != 0 {
		return fmt.Errorf("wait status %#x", status)
	}
	return nil
}
