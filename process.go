package initscript

import (
	"os"
	"syscall"
	"time"

	"github.com/go-initscript/initscript/internal/start"
)

// A Process is a started child. Its methods may be called from any goroutine.
type Process struct {
	// Pid is the process id as the host's PID namespace numbers it. With NewPID it is that of
	// the init process, which forwards signals to the program.
	Pid int

	process *start.Process
}

// Signal sends a signal through the pidfd, so it can never reach a process that got the same pid
// later. It returns os.ErrProcessDone when the process has ended.
func (p *Process) Signal(sig os.Signal) error { return p.process.Signal(sig) }

// Kill sends SIGKILL.
func (p *Process) Kill() error { return p.process.Kill() }

// PidFD returns a new descriptor of the process, see pidfd_open(2). The caller closes it. The error
// is ENOSYS where the kernel cannot make one of a process that exists: without NewPID before Linux
// 5.3, or under a filter that hides pidfd_open.
func (p *Process) PidFD() (*os.File, error) { return p.process.PidFD() }

// ProcessState says how a process ended and what it used.
type ProcessState struct{ end *start.End }

func newProcessState(end *start.End) *ProcessState {
	if end == nil {
		return nil
	}
	return &ProcessState{end}
}

// Pid returns the process id of the ended process.
func (s *ProcessState) Pid() int { return s.end.Pid }

// Exited reports whether the process ended by itself, not by a signal.
func (s *ProcessState) Exited() bool { return s.end.Status.Exited() }

// Success reports whether the exit status is 0.
func (s *ProcessState) Success() bool { return s.end.Status.Exited() && s.end.Status.ExitStatus() == 0 }

// ExitCode returns the exit status, or -1 when a signal ended the process, or s is nil.
func (s *ProcessState) ExitCode() int {
	if s == nil || !s.end.Status.Exited() {
		return -1
	}
	return s.end.Status.ExitStatus()
}

// Signal returns the signal that ended the process, or 0. With NewPID the init process turns the
// signal of the program into the exit status 128 + signal.
func (s *ProcessState) Signal() syscall.Signal {
	if !s.end.Status.Signaled() {
		return 0
	}
	return s.end.Status.Signal()
}

// Sys returns the syscall.WaitStatus.
func (s *ProcessState) Sys() any { return s.end.Status }

// SysUsage returns the *syscall.Rusage of the process and the children it has waited for.
func (s *ProcessState) SysUsage() any { return &s.end.Usage }

// UserTime returns the user CPU time of the process and the children it has waited for.
func (s *ProcessState) UserTime() time.Duration { return s.end.UserTime }

// SystemTime returns the system CPU time of the process and the children it has waited for.
func (s *ProcessState) SystemTime() time.Duration { return s.end.SystemTime }

// MaxRSS returns the largest resident set of the process or a child it has waited for, in bytes.
func (s *ProcessState) MaxRSS() int64 { return s.end.MaxRSS }

// String returns "exit status 1", for example, or "signal: killed (core dumped)".
func (s *ProcessState) String() string {
	if s == nil {
		return "<nil>"
	}
	return s.end.String()
}
