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
	"time"
	"unsafe"

	"github.com/go-initscript/initscript/internal/hoststate"
	"github.com/go-initscript/initscript/internal/seqpacket"
	"golang.org/x/sys/unix"
)

// server is the host's side of one fork server.
type server struct {
	pid     int
	control *os.File
	state   hoststate.State // of the thread that started it
	files   *hoststate.Files

	requests sync.RWMutex // held for writing by retire: a retired server gets no request

	mu      sync.Mutex
	nextID  uint64
	started map[uint64]*child // of which no last event has come
	retired bool              // no more starts: ends with its last child
	dead    bool

	certain  bool          // nobody can have it start anything more; requests is held
	quit     chan struct{} // closed when it has said that it starts nothing more
	quitOnce sync.Once
	gone     chan struct{} // closed when it was waited for
	waitErr  error         // of that
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
// What is already running is not affected. It needs no privileges.
//
// When it returns nil nothing can be started by the old server any more, not even by code that has taken
// over this process: the server has confirmed that, or is cut off. A server that does not confirm it
// within ten seconds is ended, and its children with it. The error is a *[ServerError]: a seccomp filter of
// this process forbids sendmsg(2), shutdown(2), kill(2) and wait4(2) alike.
func RenewServer() error {
	servers.Lock()
	defer servers.Unlock()
	return dismissServer()
}

// dismissServer leaves no server that could start anything. servers is locked.
func dismissServer() error {
	if servers.current == nil {
		return nil
	}
	if err := servers.current.retire(); err != nil {
		return err
	}
	servers.current = nil
	return nil
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
func replaceServerUnlike(state hoststate.State) (*server, error) {
	servers.Lock()
	defer servers.Unlock()
	if s := servers.current; s != nil && s.isAlive() && s.state == state {
		return s, nil
	}
	return replaceServer()
}

// replaceServer starts a server from the calling thread. servers is locked.
func replaceServer() (*server, error) {
	if servers.current != nil && servers.current.isAlive() {
		logEvent(slog.LevelDebug, "fork server replaced", slog.Int("pid", servers.current.pid))
	}
	if err := dismissServer(); err != nil {
		return nil, err
	}
	s, err := startServer()
	if err != nil {
		return nil, err
	}
	servers.current = s
	return s, nil
}

// wait reaps the server process itself.
func (s *server) wait() error {
	for {
		switch _, err := syscall.Wait4(s.pid, nil, 0, nil); err {
		case syscall.EINTR:
		case syscall.ECHILD: // a program that waits for everything was faster
			return nil
		default:
			return os.NewSyscallError("wait4", err)
		}
	}
}

func (s *server) isAlive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.dead && !s.retired
}

// quitTimeout is how long a server may take to confirm that it has retired. It is busy with one birth at
// most; only one that was stopped takes that long.
const quitTimeout = 10 * time.Second

// retire makes certain that the server starts nothing more, whoever asks: what has got hold of this
// process could do so, too. The server ends with the last of its children; it ends at once, and they with
// it, if it cannot be made certain otherwise.
func (s *server) retire() error {
	s.requests.Lock()
	defer s.requests.Unlock()
	if s.certain {
		return nil
	}
	s.mu.Lock()
	s.retired = true
	idle := len(s.started) == 0
	s.mu.Unlock()
	s.files.Close()
	if !idle && s.quitsOnRequest() {
		s.certain = true
		return nil
	}
	if err := s.cutOff(); err != nil {
		return &ServerError{Op: "retire fork server", Err: err}
	}
	s.certain = true
	return nil
}

func (s *server) quitsOnRequest() bool {
	if s.send(&C.struct_initscript_request{kind: C.INITSCRIPT_RETIRE}) != nil {
		return false
	}
	timeout := time.NewTimer(quitTimeout)
	defer timeout.Stop()
	select {
	case <-s.quit:
		return true
	case <-s.gone:
	case <-timeout.C:
	}
	return false
}

// cutOff ends the server. Nobody can send anything through a socket that was shut down, whatever
// duplicates there are of it; the server sees its end. Where a filter forbids that, the server is killed.
func (s *server) cutOff() error {
	err := s.hangUp()
	if err == nil {
		return nil
	}
	s.mu.Lock()
	if !s.dead { // it was not waited for, so the number is still that of the server
		err = errors.Join(err, os.NewSyscallError("kill", syscall.Kill(s.pid, syscall.SIGKILL)))
	}
	s.mu.Unlock()
	select {
	case <-s.gone:
	case <-time.After(quitTimeout):
		return err
	}
	return s.waitErr
}

// hangUp is safe to be called at any time. Only bury closes the socket, after hanging up.
func (s *server) hangUp() error {
	connection, err := s.control.SyscallConn()
	if err != nil {
		return err
	}
	controlErr := connection.Control(func(fd uintptr) { err = unix.Shutdown(int(fd), unix.SHUT_RDWR) })
	if controlErr != nil { // it is closed
		return nil
	}
	return os.NewSyscallError("shutdown", err)
}

func (s *server) send(request *C.struct_initscript_request, fds ...int) error {
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(request)), unsafe.Sizeof(*request))
	return seqpacket.Send(s.control, bytes, fds...)
}

// endIfIdle ends a server that is of no more use. receive sees the end.
func (s *server) endIfIdle() {
	if s.retired && len(s.started) == 0 {
		s.hangUp()
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
		s.retire() // receive is about to see its end; an error comes again with the next start
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
	s.endIfIdle()
}

// receive hands out what the server tells until it ends, or is let go.
func (s *server) receive() {
	var event C.struct_initscript_event
	message := unsafe.Slice((*byte)(unsafe.Pointer(&event)), unsafe.Sizeof(event))
	for {
		n, fds, err := seqpacket.Receive(s.control, message, make([]int, 0, 1))
		if n != len(message) || err != nil && !errors.Is(err, unix.EMSGSIZE) {
			break
		}
		s.handle(&event, fds)
	}
	s.bury()
}

// handle passes one event on to its child. Without descriptors, a birth is that of a child whose pidfd
// found no room in this process.
func (s *server) handle(event *C.struct_initscript_event, fds []int) {
	if event.kind == C.INITSCRIPT_RETIRED {
		s.quitOnce.Do(func() { close(s.quit) })
		return
	}
	c := s.concerned(uint64(event.id), event.kind != C.INITSCRIPT_BORN)
	switch {
	case c == nil: // no request of ours
		for _, fd := range fds {
			unix.Close(fd)
		}
	case event.kind == C.INITSCRIPT_BORN && len(fds) == 0:
		s.kill(c, int(event.pid)) // it could not be signalled later
		c.setNotBorn(&SetupError{Op: "receive pidfd", Err: unix.EMFILE})
	case event.kind == C.INITSCRIPT_BORN:
		c.setBorn(int(event.pid), fds[0])
	case event.kind == C.INITSCRIPT_NOT_BORN:
		err := c.birthError(C.GoString(&event.call[0]), syscall.Errno(event.error))
		c.setNotBorn(err)
		c.end(nil, err)
	default:
		c.end(decodeEnd(event), nil)
	}
}

// concerned returns the child of an event. After its last one it is forgotten.
func (s *server) concerned(id uint64, last bool) *child {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.started[id]
	if last {
		delete(s.started, id)
		s.endIfIdle()
	}
	return c
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
	s.hangUp()
	s.control.Close()
	s.files.Close()
	s.waitErr = s.wait()
	close(s.gone)
	if !wanted {
		logEvent(slog.LevelWarn, "fork server died", slog.Int("pid", s.pid), slog.Int("children", len(orphans)))
	}
	for _, c := range orphans {
		c.killOrphan()
	}
}

func decodeEnd(event *C.struct_initscript_event) *ProcessState {
	return &ProcessState{
		pid:    int(event.pid),
		status: syscall.WaitStatus(event.status),
		rusage: syscall.Rusage{
			Utime:  syscall.NsecToTimeval(int64(event.user_microseconds) * 1000),
			Stime:  syscall.NsecToTimeval(int64(event.system_microseconds) * 1000),
			Maxrss: int64(event.max_rss_kilobytes),
			Minflt: int64(event.minor_faults),
			Majflt: int64(event.major_faults),
			Nvcsw:  int64(event.voluntary_switches),
			Nivcsw: int64(event.involuntary_switches),
		},
	}
}
