//go:build (linux || freebsd) && cgo

// Package forkserver starts the fork servers of this process, asks them for children, hands out what
// they say of these, and ends them.
package forkserver

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/go-initscript/initscript/internal/eventlog"
	"github.com/go-initscript/initscript/internal/hoststate"
	"github.com/go-initscript/initscript/internal/seqpacket"
	"github.com/go-initscript/initscript/internal/wire"
	"golang.org/x/sys/unix"
)

// Error says that a server could not be started, did not answer or died.
type Error struct {
	Op  string // what was tried, for example "start fork server"
	Err error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Op, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// ErrGone says that a server has ended.
var ErrGone = errors.New("fork server is gone")

// A Child hears what its server says of the process, in this order, from one goroutine.
type Child interface {
	// Born hands over the descriptor of the process.
	Born(pid, pidfd int)
	// Unreachable is called in its place if the host had no room for that descriptor. The child is
	// killed.
	Unreachable(err error)
	// NotBorn is called in its place, and as the last, if there is no child: call, of the server, has
	// failed.
	NotBorn(call string, err error)
	// Ended is called as the last, with what the server knows of the end.
	Ended(*wire.Event)
	// Lost is called as the last if the server has ended before.
	Lost()
}

// Server is the host's side of one fork server.
type Server struct {
	pid     int
	control *os.File
	state   hoststate.State // of the thread that started it
	files   *hoststate.Files

	requests sync.RWMutex // held for writing by retire: a retired server gets no request

	mu      sync.Mutex
	nextID  uint64
	started map[uint64]Child // of which no last event has come
	retired bool             // no more starts: ends with its last child
	dead    bool

	certain  bool          // nobody can have it start anything more; requests is held
	quit     chan struct{} // closed when it has said that it starts nothing more
	quitOnce sync.Once
	gone     chan struct{} // closed when it was waited for
	waitErr  error         // of that
}

var servers struct {
	sync.Mutex
	current    *Server
	executable *os.File // what servers are executed from; nil before the first start
	sealed     bool     // it is a sealed copy
}

// Renew makes the next start begin with a new server. When it returns nil nothing can be started by the
// old one any more: it has confirmed that, or is cut off. The error is an *Error.
func Renew() error {
	servers.Lock()
	defer servers.Unlock()
	return dismissServer()
}

// Without runs f while there is no server, and none is started. The next ones can be executed also where
// f puts this program's file out of reach, if it is not so already: then only the start of a child
// fails, and says so.
func Without(f func() error) error {
	servers.Lock()
	defer servers.Unlock()
	_ = sealExecutable()
	if err := dismissServer(); err != nil {
		return err
	}
	return f()
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
func currentServer() (*Server, error) {
	servers.Lock()
	defer servers.Unlock()
	if servers.current != nil && servers.current.isAlive() {
		return servers.current, nil
	}
	return replaceServer()
}

// replaceServerUnlike replaces the current server unless some other goroutine has done so.
func replaceServerUnlike(state hoststate.State) (*Server, error) {
	servers.Lock()
	defer servers.Unlock()
	if s := servers.current; s != nil && s.isAlive() && s.state == state {
		return s, nil
	}
	return replaceServer()
}

// replaceServer starts a server from the calling thread. servers is locked.
func replaceServer() (*Server, error) {
	if servers.current != nil && servers.current.isAlive() {
		eventlog.Log(slog.LevelDebug, "fork server replaced", slog.Int("pid", servers.current.pid))
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

// Pid returns the process id of the server.
func (s *Server) Pid() int { return s.pid }

// wait reaps the server process itself.
func (s *Server) wait() error {
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

func (s *Server) isAlive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.dead && !s.retired
}

// quitTimeout is how long a server may take to confirm that it has retired. It is busy with one birth at
// most; only one that was stopped takes that long.
const quitTimeout = 10 * time.Second

// retire makes certain that the server starts nothing more, whoever asks: what has got hold of this
// process could do so, too. The server ends with the last of its children; it ends at once, and they
// with it, if it cannot be made certain otherwise.
func (s *Server) retire() error {
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
		return &Error{Op: "retire fork server", Err: err}
	}
	s.certain = true
	return nil
}

func (s *Server) quitsOnRequest() bool {
	if s.send(&wire.Request{Kind: wire.Retire}) != nil {
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

// cutOff ends the server: it shuts the control socket down, for all duplicates, and the server sees
// the end of the connection. Where a filter forbids that, the server is killed.
func (s *Server) cutOff() error {
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
func (s *Server) hangUp() error {
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

func (s *Server) send(request *wire.Request, fds ...int) error {
	return seqpacket.Send(s.control, wire.Bytes(request), fds...)
}

// endIfIdle ends a server that is of no more use. receive sees the end.
func (s *Server) endIfIdle() {
	if s.retired && len(s.started) == 0 {
		s.hangUp()
	}
}

// StartOfServer, in place of a descriptor, is the directory in which the server was started.
const StartOfServer = -1

// Request asks for a child that gets the given end of its start socket and begins in a directory. The
// child is entered, so that its end will be reported, under the id that is returned. The error is
// ErrGone or an *Error.
func (s *Server) Request(
	c Child, namespaces uint32, announce bool, start, directory int,
) (id uint64, err error) {
	id, err = s.enterAndSend(c, namespaces, announce, start, directory)
	if err == nil || err == ErrGone {
		return id, err
	}
	s.forget(id)
	if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		s.retire() // receive is about to see its end; an error comes again with the next start
		return 0, ErrGone
	}
	if !s.isAlive() { // closed under our hands
		return 0, ErrGone
	}
	return 0, &Error{Op: "send start request", Err: err}
}

func (s *Server) enterAndSend(
	c Child, namespaces uint32, announce bool, start, directory int,
) (uint64, error) {
	s.requests.RLock()
	defer s.requests.RUnlock()
	id, err := s.enter(c)
	if err != nil {
		return 0, err
	}
	request := wire.Request{Kind: wire.Start, ID: id, Namespaces: namespaces}
	if announce {
		request.Announce = 1
	}
	if directory == StartOfServer {
		return id, s.send(&request, start)
	}
	return id, s.send(&request, start, directory)
}

// Detach lets a child outlive this process. The error is an *Error.
func (s *Server) Detach(id uint64, pid int) error {
	if err := s.send(&wire.Request{Kind: wire.Detach, ID: id, Pid: int32(pid)}); err != nil {
		return &Error{Op: "detach", Err: err}
	}
	return nil
}

// kill ends a child that has no pidfd here, only a pid. The server looks whether it is still
// that child's. An error says that the server has ended, and its children with it.
func (s *Server) kill(id uint64, pid int32) error {
	return s.send(&wire.Request{Kind: wire.Kill, ID: id, Pid: pid})
}

// enter gives the child the id under which its end will be reported.
func (s *Server) enter(c Child) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead || s.retired {
		return 0, ErrGone
	}
	s.nextID++
	s.started[s.nextID] = c
	return s.nextID, nil
}

// forget removes a child that never came to be.
func (s *Server) forget(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.started, id)
	s.endIfIdle()
}

// receive hands out what the server tells until it ends, or is let go.
func (s *Server) receive() {
	var event wire.Event
	message := wire.Bytes(&event)
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
func (s *Server) handle(event *wire.Event, fds []int) {
	if event.Kind == wire.Retired {
		s.quitOnce.Do(func() { close(s.quit) })
		return
	}
	c := s.concerned(event.ID, event.Kind != wire.Born)
	switch {
	case c == nil: // no request of ours
		for _, fd := range fds {
			unix.Close(fd)
		}
	case event.Kind == wire.Born && len(fds) == 0:
		s.kill(event.ID, event.Pid) // it could not be signalled later
		c.Unreachable(unix.EMFILE)
	case event.Kind == wire.Born:
		c.Born(int(event.Pid), fds[0])
	case event.Kind == wire.NotBorn:
		call, _, _ := bytes.Cut(event.Call[:], []byte{0})
		c.NotBorn(string(call), syscall.Errno(event.Error))
	default:
		c.Ended(event)
	}
}

// concerned returns the child of an event. After its last one it is forgotten.
func (s *Server) concerned(id uint64, last bool) Child {
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
func (s *Server) bury() {
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
		eventlog.Log(slog.LevelWarn, "fork server died",
			slog.Int("pid", s.pid), slog.Int("children", len(orphans)))
	}
	for _, c := range orphans {
		c.Lost()
	}
}
