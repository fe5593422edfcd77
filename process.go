//go:build (linux || freebsd) && cgo

package initscript

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/go-initscript/initscript/internal/pidfd"
	"golang.org/x/sys/unix"
)

// A Process is a started child. Its methods may be called from any goroutine.
type Process struct {
	// Pid is the process id as the host's PID namespace numbers it. With NewPID it is that of
	// the init process, which forwards signals to the program.
	Pid int

	mu      sync.RWMutex // held while pidfd is in use
	pidfd   int          // or its directory in /proc; -1 after the process has been waited for
	dropped runtime.Cleanup
}

// Signal sends a signal through the pidfd, so it can never reach a process that got the same pid
// later. It returns os.ErrProcessDone when the process has ended.
func (p *Process) Signal(sig os.Signal) error {
	number, ok := sig.(syscall.Signal)
	if !ok {
		return fmt.Errorf("signal process: unsupported signal type %T", sig)
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.pidfd < 0 {
		return os.ErrProcessDone
	}
	switch err := pidfd.Signal(p.pidfd, number); err {
	case nil:
		return nil
	case unix.ESRCH: // ended, and the server has reaped it
		return os.ErrProcessDone
	default:
		return os.NewSyscallError(pidfd.SignalName, err)
	}
}

// Kill sends SIGKILL.
func (p *Process) Kill() error { return p.Signal(os.Kill) }

// PidFD returns a new descriptor of the process, see pidfd_open(2). The caller closes it. The error
// is ENOSYS where the kernel cannot make one of a process that exists: without NewPID before Linux
// 5.3, or under a filter that hides pidfd_open.
func (p *Process) PidFD() (*os.File, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.pidfd < 0 {
		return nil, os.ErrProcessDone
	}
	if err := pidfd.Check(p.pidfd); err != nil {
		return nil, err
	}
	fd, err := unix.FcntlInt(uintptr(p.pidfd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), "pidfd"), nil
}

// waitForDeath blocks until the process has ended, whoever its parent is by now.
func (p *Process) waitForDeath() {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.pidfd < 0 {
		return
	}
	pidfd.Wait(p.pidfd)
}

func (p *Process) open(pid, pidfd int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Pid, p.pidfd = pid, pidfd
	p.dropped = runtime.AddCleanup(p, func(fd int) { unix.Close(fd) }, pidfd) // who never calls Wait
}

func (p *Process) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pidfd >= 0 {
		p.dropped.Stop()
		unix.Close(p.pidfd)
		p.pidfd = -1
	}
}

// ProcessState says how a process ended and what it used.
type ProcessState struct {
	pid    int
	status syscall.WaitStatus
	rusage syscall.Rusage
}

// Pid returns the process id of the ended process.
func (s *ProcessState) Pid() int { return s.pid }

// Exited reports whether the process ended by itself, not by a signal.
func (s *ProcessState) Exited() bool { return s.status.Exited() }

// Success reports whether the exit status is 0.
func (s *ProcessState) Success() bool { return s.status.Exited() && s.status.ExitStatus() == 0 }

// ExitCode returns the exit status, or -1 when a signal ended the process, or s is nil.
func (s *ProcessState) ExitCode() int {
	if s == nil || !s.status.Exited() {
		return -1
	}
	return s.status.ExitStatus()
}

// Signal returns the signal that ended the process, or 0. With NewPID the init process turns the
// signal of the program into the exit status 128 + signal.
func (s *ProcessState) Signal() syscall.Signal {
	if !s.status.Signaled() {
		return 0
	}
	return s.status.Signal()
}

// Sys returns the syscall.WaitStatus.
func (s *ProcessState) Sys() any { return s.status }

// SysUsage returns the *syscall.Rusage of the process and the children it has waited for.
func (s *ProcessState) SysUsage() any { return &s.rusage }

// UserTime returns the user CPU time of the process and the children it has waited for.
func (s *ProcessState) UserTime() time.Duration { return time.Duration(s.rusage.Utime.Nano()) }

// SystemTime returns the system CPU time of the process and the children it has waited for.
func (s *ProcessState) SystemTime() time.Duration { return time.Duration(s.rusage.Stime.Nano()) }

// MaxRSS returns the largest resident set of the process or a child it has waited for, in bytes.
func (s *ProcessState) MaxRSS() int64 { return s.rusage.Maxrss * 1024 }

func (s *ProcessState) String() string {
	if s == nil {
		return "<nil>"
	}
	if s.status.Signaled() {
		text := "signal: " + s.status.Signal().String()
		if s.status.CoreDump() {
			text += " (core dumped)"
		}
		return text
	}
	return fmt.Sprintf("exit status %d", s.status.ExitStatus())
}
