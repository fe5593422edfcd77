//go:build (linux || freebsd) && cgo

package start

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"

	"github.com/go-initscript/initscript/internal/pidfd"
	"golang.org/x/sys/unix"
)

// Process signals a child. The zero Process has none. Its methods may be called from any goroutine.
type Process struct {
	mu      sync.RWMutex // held while the rest is in use
	pid     int
	isOpen  bool
	pidfd   int // or its directory in /proc
	dropped runtime.Cleanup
}

// Pid returns the process id as the host's PID namespace numbers it; 0 before the birth.
func (p *Process) Pid() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.pid
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
	if !p.isOpen {
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
	if !p.isOpen {
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
	if !p.isOpen {
		return
	}
	pidfd.Wait(p.pidfd)
}

func (p *Process) open(pid, pidfd int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pid, p.pidfd, p.isOpen = pid, pidfd, true
	p.dropped = runtime.AddCleanup(p, func(fd int) { unix.Close(fd) }, pidfd) // who never calls Wait
}

func (p *Process) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isOpen {
		p.isOpen = false
		p.dropped.Stop()
		unix.Close(p.pidfd)
	}
}
