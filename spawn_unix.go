//go:build (linux || freebsd) && cgo

package initscript

// #include "csrc/fds.h"
// #include "csrc/wire.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/go-initscript/initscript/internal/seqpacket"
	"github.com/go-initscript/initscript/internal/trace"
	"golang.org/x/sys/unix"
)

// maxExtraFiles is what fits into one message beside the plan, stdio, inbox, arg and hidden files.
const maxExtraFiles = C.INITSCRIPT_MAX_FDS - 6 - C.INITSCRIPT_HIDDEN_FILES

// spawnRequest is a start with everything resolved.
type spawnRequest struct {
	plan           plan
	namespaces     Namespaces
	uidMap, gidMap []IDMap
	dir            string
	stdio          [3]*os.File
	inbox          *os.File
	arg            *os.File
	extraFiles     []*os.File
	hiddenFiles    []*os.File    // see enum initscript_hidden_file
	tracer         *trace.Tracer // nil: the script is not traced
}

// child is the host's side of one start.
type child struct {
	server     *server
	id         uint64 // given by the host, in its request
	scriptName string // for errors
	path       string // for logs, like the next two
	entry      string
	module     string
	dir        string
	began      time.Time
	namespaces Namespaces
	origin     origin
	process    Process
	reports    reports

	// What the server tells of the child; see server.handle.
	born     chan struct{} // closed when the next one is set, and process is known unless that is an error
	birthErr error
	ended    chan struct{} // closed when the next two are set
	state    *ProcessState
	err      error

	mu        sync.Mutex
	abandoned bool // nobody will call close
}

// trace has the script's calls told to handle, if that is not nil.
func (r *spawnRequest) trace(handle func(TraceEvent)) error {
	if handle == nil {
		return nil
	}
	name := r.plan.scriptName
	tracer, err := trace.New(r.descriptorNames(), func(e trace.Event) {
		handle(TraceEvent{name, e.Line, e.Func, e.Args, e.Results, e.Errno, TraceEnd(e.End),
			e.Start, e.Duration, e.Lost})
	})
	if err != nil {
		return &SetupError{Op: "trace", Err: err}
	}
	r.tracer = tracer
	return nil
}

// descriptorNames tells what a script's first descriptors are, in the words of /proc/self/fd.
func (r *spawnRequest) descriptorNames() map[int]string {
	names := make(map[int]string)
	note := func(fd int, file *os.File) {
		if name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", file.Fd())); err == nil {
			names[fd] = name
		}
	}
	for fd, file := range r.stdio {
		note(fd, file)
	}
	note(C.INITSCRIPT_INBOX_FD, r.inbox)
	if r.arg != nil {
		note(C.INITSCRIPT_ARG_FD, r.arg)
	}
	for i, file := range r.extraFiles {
		note(C.INITSCRIPT_EXTRA_FD+i, file)
	}
	return names
}

// starting is held for reading from the request for a child until it has its plan.
var starting sync.RWMutex

// spawn starts a child. It returns when the child exists, is in its namespaces and has its id
// maps; the script may still be running then. A context that is done ends the attempt.
func spawn(ctx context.Context, r *spawnRequest) (*child, error) {
	c, err := r.spawn(ctx)
	if err != nil {
		return nil, r.origin().explain(err, record{})
	}
	return c, nil
}

func (r *spawnRequest) spawn(ctx context.Context) (*child, error) {
	if err := r.checkSystem(); err != nil {
		return nil, err
	}
	memfd, size, err := r.plan.seal()
	if err != nil {
		return nil, &SetupError{Op: "plan", Err: err}
	}
	defer unix.Close(memfd)
	starting.RLock()
	defer starting.RUnlock()
	c, err := r.requestInDirectory()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, c.reports.interrupt)
	defer stop()
	err = c.goAhead(ctx, r, memfd, size)
	if err == nil && c.isOrphan() {
		err = c.err // it was not known yet whom to kill
	}
	if err != nil {
		c.abandon()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	c.logStart()
	return c, nil
}

// startOfServer, in place of a descriptor, is the directory in which the server was started.
const startOfServer = -1

// requestInDirectory has a child made that begins in the right directory.
func (r *spawnRequest) requestInDirectory() (*child, error) {
	directory, err := openDirectory(r.dir)
	if err == unix.EACCES && r.dir == hostsDirectory {
		// After giving up root's rights, for example. Nobody can enter that directory any more, but what the
		// host executes begins there.
		return r.requestFromOwnServer(startOfServer)
	}
	if err != nil {
		return nil, &FieldError{"Dir", &os.PathError{Op: "open", Path: r.dir, Err: err}}
	}
	defer unix.Close(directory)
	return r.requestFromLikeServer(directory)
}

// requestFromOwnServer has the child made by a server that the calling thread starts for it alone.
func (r *spawnRequest) requestFromOwnServer(directory int) (*child, error) {
	servers.Lock() // until it is retired: no process that confines itself may leave it behind
	defer servers.Unlock()
	s, err := startServer()
	if err != nil {
		return nil, err
	}
	c, err := r.request(s, directory)
	if retireErr := s.retire(); retireErr != nil && err == nil { // else it ends with this child
		c.abandon()
		return nil, retireErr
	}
	return c, err
}

// maxUnlikeServers is how many servers, one after the other, may turn out to be unlike the thread.
const maxUnlikeServers = 3

// requestFromLikeServer has a child made by a server that has exactly the calling thread's rights.
// The comparison runs while the server forks: a child of the wrong server has no plan yet, and
// ends when its socket does.
func (r *spawnRequest) requestFromLikeServer(directory int) (*child, error) {
	runtime.LockOSThread() // nothing here waits, and the state is this thread's
	defer runtime.UnlockOSThread()
	s, err := currentServer()
	for unlike := 0; err == nil; {
		var c *child
		c, err = r.request(s, directory)
		if err == errServerGone {
			s, err = currentServer()
			continue
		}
		if err != nil {
			break
		}
		state, stateErr := s.files.Read(&s.state)
		if stateErr == nil && s.state == state {
			return c, nil
		}
		c.abandon()
		if errors.Is(stateErr, os.ErrClosed) { // another goroutine has replaced this server
			s, err = currentServer()
			continue
		}
		// For want of /proc, or while something goes on changing the state: only a new server is certain to be
		// like this thread.
		if unlike++; stateErr != nil || unlike == maxUnlikeServers {
			return r.requestFromOwnServer(directory)
		}
		s, err = replaceServerUnlike(state)
	}
	return nil, err
}

func (r *spawnRequest) request(s *server, directory int) (*child, error) {
	pair, err := seqpacket.Pair(0)
	if err != nil {
		return nil, &SetupError{Op: "socketpair", Err: err}
	}
	defer unix.Close(pair[1])
	if err := unix.SetNonblock(pair[0], true); err != nil {
		unix.Close(pair[0])
		return nil, &SetupError{Op: "fcntl", Err: err}
	}
	c := &child{
		server:     s,
		scriptName: r.plan.scriptName,
		path:       r.plan.path,
		entry:      r.plan.entry,
		module:     r.plan.moduleName,
		dir:        r.dir,
		began:      time.Now(),
		namespaces: r.namespaces,
		origin:     r.origin(),
		process:    Process{pidfd: -1},
		reports: reports{
			socket:    os.NewFile(uintptr(pair[0]), "start socket"),
			isActor:   r.plan.entry != "" || r.plan.isLua,
			announced: r.announced(),
		},
		born:  make(chan struct{}),
		ended: make(chan struct{}),
	}
	if err := s.request(c, r.namespaces.cloneFlags(), r.announced(), pair[1], directory); err != nil {
		c.reports.socket.Close()
		return nil, err
	}
	return c, nil
}

// announced tells whether the child says when it is in its namespaces: for the id maps, and where
// it enters them itself, so that a refusal ends the start.
func (r *spawnRequest) announced() bool {
	return r.namespaces != 0 && (r.hasMaps() || r.namespaces&NewPID == 0)
}

func (r *spawnRequest) hasMaps() bool { return len(r.uidMap) > 0 || len(r.gidMap) > 0 }

// goAhead takes the child from its birth to the start of its script.
func (c *child) goAhead(ctx context.Context, r *spawnRequest, memfd, size int) error {
	if !r.hasMaps() { // nothing to wait for
		if err := c.sendGoAhead(r, memfd, size); err != nil {
			return err
		}
	}
	if err := c.awaitBirth(ctx); err != nil {
		return err
	}
	if r.announced() {
		if err := c.awaitNamespaces(); err != nil {
			return err
		}
	}
	if r.hasMaps() {
		if err := writeIDMaps(&c.process, r.uidMap, r.gidMap); err != nil {
			return err
		}
		return c.sendGoAhead(r, memfd, size)
	}
	return nil
}

func (c *child) sendGoAhead(r *spawnRequest, memfd, size int) error {
	message := C.struct_initscript_go_ahead{
		plan_size:    C.uint64_t(size),
		extra_files:  C.uint32_t(len(r.extraFiles)),
		hidden_files: C.uint32_t(len(r.hiddenFiles)),
	}
	files := append(make([]*os.File, 0, 8), r.stdio[0], r.stdio[1], r.stdio[2], r.inbox)
	if r.arg != nil {
		message.has_arg = 1
		files = append(files, r.arg)
	}
	files = append(append(files, r.extraFiles...), r.hiddenFiles...)
	fds := append(make([]int, 0, 8), memfd)
	for _, file := range files {
		fds = append(fds, int(file.Fd()))
	}
	if r.tracer != nil {
		message.has_trace = 1
		fds = slices.Insert(fds, len(fds)-len(r.hiddenFiles), r.tracer.Memfd())
	}
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&message)), unsafe.Sizeof(message))
	err := seqpacket.Send(c.reports.socket, bytes, fds...)
	runtime.KeepAlive(files)
	switch {
	case errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET):
		return nil // the child is gone already; what it has reported says why
	case err != nil:
		return &SetupError{Op: "pass descriptors", Err: err}
	}
	return nil
}

// awaitBirth waits for the server's word that the child is there.
func (c *child) awaitBirth(ctx context.Context) error {
	select {
	case <-c.born:
		return c.birthErr
	case <-ctx.Done():
		return ctx.Err()
	}
}

// awaitNamespaces waits for the child's word that it is in its namespaces.
func (c *child) awaitNamespaces() error {
	switch record, err := c.reports.read(); {
	case err != nil && c.isOrphan():
		return c.err
	case err != nil:
		return &SetupError{Op: "create namespaces", Err: errors.New("the child was killed")}
	case record.kind == C.INITSCRIPT_SETUP_FAILED:
		return c.setupError(record)
	case record.kind != C.INITSCRIPT_NAMESPACES_READY:
		return &SetupError{Op: "create namespaces", Err: errMalformed}
	}
	return nil
}

// setBorn is called once, by the server that made the child, unless it could not be made.
func (c *child) setBorn(pid, pidfd int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process.open(pid, pidfd)
	if c.abandoned {
		c.process.Kill()
	}
	close(c.born)
}

// setNotBorn is called instead when there is no child, or none that the host could signal.
func (c *child) setNotBorn(err error) {
	c.birthErr = err
	close(c.born)
}

func (c *child) isBorn() bool {
	select {
	case <-c.born:
		return true
	default:
		return false
	}
}

// birthError says why the server has no child for us.
func (c *child) birthError(call string, err error) error {
	switch {
	case call == "fchdir":
		return &FieldError{"Dir", &os.PathError{Op: "chdir", Path: c.dir, Err: err}}
	case call == "fork" && c.namespaces != 0:
		return &NamespaceError{Namespaces: c.namespaces, Err: err}
	default:
		return &SetupError{Op: call, Err: err}
	}
}

func (c *child) setupError(record record) error {
	if record.field(0) == "unshare" {
		return &NamespaceError{Namespaces: c.namespaces, Err: record.err}
	}
	return &SetupError{Op: record.field(0), Err: record.err}
}

// end is called once, by the server that made the child, as the last of its calls.
func (c *child) end(state *ProcessState, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state, c.err = state, err
	c.logEnd()
	close(c.ended)
	if c.abandoned {
		c.process.release()
	}
}

// killOrphan ends a child whose server has died.
func (c *child) killOrphan() {
	if c.isBorn() {
		c.process.Kill()
		c.process.waitForDeath()
	} else { // nobody is left who could say who it is
		c.setNotBorn(&ServerError{Op: "start child", Err: errServerGone})
	}
	c.end(nil, &ServerError{Op: "wait", Err: errServerGone})
}

func (c *child) isEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// awaitSilence waits for at most the timeout. It returns true when the child has executed a program
// or ended, so that its script does nothing any more.
func (c *child) awaitSilence(timeout time.Duration) bool {
	if c.isEnded() {
		return true
	}
	poll := []unix.PollFd{{}} // the end of the start socket is always told
	connection, err := c.reports.socket.SyscallConn()
	if err == nil {
		err = connection.Control(func(fd uintptr) {
			poll[0].Fd = int32(fd)
			unix.Poll(poll, int(timeout.Milliseconds()))
		})
	}
	return err != nil || poll[0].Revents&unix.POLLHUP != 0 || c.isEnded()
}

func (c *child) isOrphan() bool { return c.isEnded() && c.err != nil }

// abandon ends a child that was not started completely, as soon as the server has said who it is. It
// may run already.
func (c *child) abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandoned = true
	go c.reports.socket.Close() // see reports.close; it may run and send now
	c.process.Kill()            // os.ErrProcessDone: it is not born yet, or has ended
	if c.isEnded() {
		c.process.release()
	}
}

// waitScript waits until the script has ended, in whatever way.
func (c *child) waitScript() error {
	var state *ProcessState
	if !c.settle() {
		if err := c.wait(); c.err != nil {
			return err
		}
		state = c.state
	}
	// What is wrong with the program came later.
	if c.reports.scriptDone() || c.reports.last().kind == C.INITSCRIPT_SCRIPT_EXECS {
		return nil
	}
	return c.outcome(state)
}

// settle reads reports until it is known how the script ended; false if the child ended before
// that. Its end is enough: a stray process that the script forked may hold the socket open.
func (c *child) settle() bool {
	settled, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-c.ended:
			c.reports.interrupt()
		case <-settled:
		}
	}()
	known := c.reports.settle()
	close(settled)
	<-watched // or it would interrupt drain()
	return known
}

// wait waits for the end of the process and says how it came about.
func (c *child) wait() error {
	<-c.ended
	if c.err != nil {
		return c.err
	}
	c.reports.drain()
	return c.outcome(c.state)
}

// outcome makes an error of the last report and of the exit status, if there is one yet.
func (c *child) outcome(state *ProcessState) error {
	return c.origin.explain(c.rawOutcome(state), c.reports.lastState())
}

func (c *child) rawOutcome(state *ProcessState) error {
	last := c.reports.last()
	switch last.kind {
	case C.INITSCRIPT_SETUP_FAILED:
		return c.setupError(last)
	case C.INITSCRIPT_EXEC_FAILED:
		return &ExecError{Path: last.field(0), Interpreter: last.field(1), Err: last.err}
	case C.INITSCRIPT_CALL_FAILED, C.INITSCRIPT_SCRIPT_FAILED, C.INITSCRIPT_LOAD_FAILED,
		C.INITSCRIPT_MEMORY_EXHAUSTED:
		return last.scriptError(c.scriptName)
	case C.INITSCRIPT_ENTRY_FAILED:
		return &ActorError{Message: last.field(0), Stack: last.field(1)}
	case C.INITSCRIPT_SCRIPT_DONE, C.INITSCRIPT_SCRIPT_EXECS:
	default:
		// Without a word the script has ended the process, or a signal has.
		if state != nil && state.Signal() != 0 {
			return &ScriptError{ScriptName: c.scriptName, Signal: state.Signal()}
		}
		if state != nil && c.hasProgram() {
			return &ScriptError{ScriptName: c.scriptName, Exited: state}
		}
	}
	if state == nil || state.Success() {
		return nil
	}
	return &ExitError{ProcessState: state}
}

// hasProgram reports whether something was to follow the script.
func (c *child) hasProgram() bool { return c.path != "" || c.reports.isActor }

// close gives back what a child that has ended still holds.
func (c *child) close() {
	c.reports.close()
	c.process.release()
}
