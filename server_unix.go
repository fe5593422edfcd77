//go:build (linux || freebsd) && cgo

package initscript

// #include "csrc/launch.h"
// #include "csrc/wire.h"
import "C"

import (
	"errors"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// server is the host's side of one fork server.
type server struct {
	pid     int
	control *os.File
	state   hostState // of the thread that started it
	files   *hostFiles

	requests sync.RWMutex // held for writing by retire: a retired server gets no request

	mu      sync.Mutex
	nextID  uint64
	started map[uint64]*child // not yet reported as ended
	retired bool              // no more starts: ends with its last child
	dead    bool
}

var servers struct {
	sync.Mutex
	current *server
	program *os.File // what servers are executed from; nil before the first start
	sealed  bool     // it is a sealed copy
}

const serverName = C.INITSCRIPT_SERVER_NAME

// A process that was executed to serve and does not, for whatever reason, must not run the program
// once more: that would start the next one, and so on.
func init() {
	if len(os.Args) == 1 && os.Args[0] == serverName {
		os.Exit(1)
	}
}

// RenewServer makes the next start begin with a new fork server. What a process that os/exec starts
// would inherit is compared at each start, and noticed without it: credentials, capabilities,
// securebits, no_new_privs, seccomp filters, resource limits, umask, root directory and namespaces;
// on Linux also MDWE, personality, speculation controls, TSC mode, scheduling policy and priority,
// CPU affinity, core scheduling, I/O priority, timer slack, memory policy, OOM score adjustment,
// core dump filter, transparent huge pages, memory merging, the policy for memory errors, the
// controlling terminal, and the cgroups of the process.
//
// Call it after the process, or something outside, has changed what cannot be seen, or only by changing
// it or at too high a price:
//
//   - a Landlock domain;
//   - the label or profile of a security module (AppArmor, SELinux, Smack), before Linux 6.8;
//   - the session keyring: to ask for it is to be given one;
//   - the cgroups of a single thread, which are not those of the process;
//   - the login user and session of the audit subsystem, also on FreeBSD;
//   - the lowest OOM score adjustment that the process may choose again;
//   - the state as an I/O flusher, for a thread without CAP_SYS_RESOURCE;
//   - the control of indirect branch speculation, before Linux 5.11;
//   - seccomp filters other than those of the thread that started the server, if they are as many;
//   - a vector length for the next program only (PR_SVE_SET_VL_ONEXEC);
//   - a mount namespace that is not the one of the root directory.
//
// What is already running is not affected. It needs no privileges and cannot fail.
func RenewServer() {
	servers.Lock()
	defer servers.Unlock()
	if servers.current != nil {
		servers.current.retire()
		servers.current = nil
	}
}

// currentServer returns a server, which may have been started in another state than that of the
// calling thread: its state tells.
func currentServer() (*server, error) {
	servers.Lock()
	defer servers.Unlock()
	if servers.current != nil && servers.current.isAlive() {
		return servers.current, nil
	}
	return replaceServer()
}

// replaceServerUnlike replaces the current server unless some other goroutine has done so.
func replaceServerUnlike(state hostState) (*server, error) {
	servers.Lock()
	defer servers.Unlock()
	if s := servers.current; s != nil && s.isAlive() && s.state == state {
		return s, nil
	}
	return replaceServer()
}

// replaceServer starts a server from the calling thread. servers is locked.
func replaceServer() (*server, error) {
	if servers.current != nil {
		if servers.current.isAlive() {
			logEvent(slog.LevelDebug, "fork server replaced", slog.Int("pid", servers.current.pid))
		}
		servers.current.retire()
		servers.current = nil
	}
	s, err := startServer()
	if err != nil {
		return nil, err
	}
	servers.current = s
	return s, nil
}

// wait reaps the server process itself.
func (s *server) wait() {
	for {
		if _, err := syscall.Wait4(s.pid, nil, 0, nil); err != syscall.EINTR {
			return // ECHILD: a program that waits for everything was faster
		}
	}
}

func (s *server) isAlive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.dead && !s.retired
}

// retire lets the server end as soon as nothing that it started is left. Until then it starts
// nothing more, whoever asks: what has got hold of this process could do so, too.
func (s *server) retire() {
	s.requests.Lock()
	defer s.requests.Unlock()
	s.mu.Lock()
	first := !s.retired
	s.retired = true
	s.closeIfIdle()
	s.mu.Unlock()
	if first {
		s.files.close()
		s.send(&C.struct_initscript_request{kind: C.INITSCRIPT_RETIRE}) // fails if it has ended
	}
}

func (s *server) send(request *C.struct_initscript_request, fds ...int) error {
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(request)), unsafe.Sizeof(*request))
	return sendMessage(s.control, bytes, fds...)
}

func (s *server) closeIfIdle() {
	if s.retired && len(s.started) == 0 {
		s.control.Close()
	}
}

var errServerGone = errors.New("fork server is gone")

// request asks for a child and enters it, so that its end will be reported.
func (s *server) request(c *child, namespaces uint32, announce bool, start, directory int) error {
	err := s.enterAndSend(c, namespaces, announce, start, directory)
	if err == nil || err == errServerGone {
		return err
	}
	s.forget(c)
	if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		s.retire() // receive() is about to see its end
		return errServerGone
	}
	if !s.isAlive() { // closed under our hands
		return errServerGone
	}
	return &ServerError{Op: "send start request", Err: err}
}

func (s *server) enterAndSend(c *child, namespaces uint32, announce bool, start, directory int) error {
	s.requests.RLock()
	defer s.requests.RUnlock()
	if err := s.enter(c); err != nil {
		return err
	}
	request := C.struct_initscript_request{kind: C.INITSCRIPT_START, id: C.uint64_t(c.id), namespaces: C.uint32_t(namespaces)}
	if announce {
		request.announce = 1
	}
	if directory == startOfServer {
		return s.send(&request, start)
	}
	return s.send(&request, start, directory)
}

// detach lets a child outlive this process.
func (s *server) detach(c *child) error {
	request := C.struct_initscript_request{kind: C.INITSCRIPT_DETACH, id: C.uint64_t(c.id), pid: C.int32_t(c.process.Pid)}
	if err := s.send(&request); err != nil {
		return &ServerError{Op: "detach", Err: err}
	}
	return nil
}

// kill ends a child of which nothing but the pid is known here. The server looks whether it is still
// that child's. An error says that the server has ended, and its children with it.
func (s *server) kill(c *child, pid int) error {
	return s.send(&C.struct_initscript_request{kind: C.INITSCRIPT_KILL, id: C.uint64_t(c.id), pid: C.int32_t(pid)})
}

// enter gives the child the id under which its end will be reported.
func (s *server) enter(c *child) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead || s.retired {
		return errServerGone
	}
	s.nextID++
	c.id = s.nextID
	s.started[c.id] = c
	return nil
}

// forget removes a child that never came to be.
func (s *server) forget(c *child) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.started, c.id)
	s.closeIfIdle()
}

// receive hands out exit reports until the server ends, or is let go.
func (s *server) receive() {
	var report C.struct_initscript_exit_report
	message := unsafe.Slice((*byte)(unsafe.Pointer(&report)), unsafe.Sizeof(report))
	for {
		n, _, err := receiveMessage(s.control, message, nil)
		if err != nil || n != len(message) {
			break
		}
		s.mu.Lock()
		c := s.started[uint64(report.id)]
		delete(s.started, uint64(report.id))
		s.closeIfIdle()
		s.mu.Unlock()
		if c != nil {
			c.end(decodeExitReport(&report), nil)
		}
	}
	s.bury()
}

// bury sees to it that nothing survives a dead server, also what has escaped the parent-death
// signal by changing its credentials.
func (s *server) bury() {
	s.mu.Lock()
	s.dead = true
	wanted := s.retired
	orphans := s.started
	s.started = nil
	s.mu.Unlock()
	s.control.Close()
	s.files.close()
	s.wait()
	if !wanted {
		logEvent(slog.LevelWarn, "fork server died", slog.Int("pid", s.pid), slog.Int("children", len(orphans)))
	}
	for _, c := range orphans {
		c.killOrphan()
	}
}

func decodeExitReport(report *C.struct_initscript_exit_report) *ProcessState {
	return &ProcessState{
		pid:    int(report.pid),
		status: syscall.WaitStatus(report.status),
		rusage: syscall.Rusage{
			Utime:  syscall.NsecToTimeval(int64(report.user_microseconds) * 1000),
			Stime:  syscall.NsecToTimeval(int64(report.system_microseconds) * 1000),
			Maxrss: int64(report.max_rss_kilobytes),
			Minflt: int64(report.minor_faults),
			Majflt: int64(report.major_faults),
			Nvcsw:  int64(report.voluntary_switches),
			Nivcsw: int64(report.involuntary_switches),
		},
	}
}
