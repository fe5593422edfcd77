//go:build (linux || freebsd) && cgo

package start

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/go-initscript/initscript/internal/forkserver"
	"github.com/go-initscript/initscript/internal/seqpacket"
	"github.com/go-initscript/initscript/internal/wire"
	"golang.org/x/sys/unix"
)

// Child is the host's side of one start.
type Child struct {
	Process Process

	server         *forkserver.Server
	id             uint64 // of the request, at the server
	dir            string
	began          time.Time
	program        slog.Attr
	script         string // its name, for logs
	namespaces     uint32
	namespaceNames string
	reports        reports

	// What the server tells of the child; see forkserver.Child.
	born     chan struct{} // closed when the next one is set, and Process unless that is an error
	birthErr error
	ended    chan struct{} // closed when the next two are set
	end      *End
	err      error // why there is no end

	mu        sync.Mutex
	abandoned bool // nobody will call Close
	logged    bool // its start; its end comes after that
}

// starting is held for reading from the request for a child until it has its plan.
var starting sync.RWMutex

// Without runs f while no child is on its way, no server is there, and none can be started; see
// [forkserver.Without].
func Without(f func() error) error {
	starting.Lock()
	defer starting.Unlock()
	return forkserver.Without(f)
}

// Start starts a child. It returns when the child exists, is in its namespaces and has its id maps; the
// script may be running still. A context that is done ends the attempt. Errors: *[DirectoryError],
// *[forkserver.Error], *[NamespaceError], *[IDMapError], *[SetupError], or that of the context.
func Start(ctx context.Context, r *Request) (*Child, error) {
	memfd, size, err := r.Plan.seal()
	if err != nil {
		return nil, &SetupError{Op: "plan", Err: err}
	}
	defer unix.Close(memfd)
	starting.RLock()
	defer starting.RUnlock()
	c, err := r.birth()
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
	c.started()
	return c, nil
}

// hostsDirectory is where a child begins whose Request names no Dir.
const hostsDirectory = "."

// birth has a child made that begins in the right directory.
func (r *Request) birth() (c *Child, err error) {
	directory := forkserver.StartOfServer
	birth := forkserver.Birth{
		Request: func(s *forkserver.Server) (err error) {
			c, err = r.ask(s, directory)
			return err
		},
		Abandon: func() { c.abandon() },
	}
	path := cmp.Or(r.Dir, hostsDirectory)
	fd, err := openDirectory(path)
	switch {
	case err == unix.EACCES && path == hostsDirectory:
		// After giving up root's rights, for example. Nobody can enter that directory any more, but what
		// the host executes begins there.
		err = birth.ByOwnServer()
	case err != nil:
		err = &DirectoryError{&os.PathError{Op: "open", Path: path, Err: err}}
	default:
		defer unix.Close(fd)
		directory = fd
		err = birth.ByLikeServer()
	}
	return c, err
}

// ask asks a server for the child.
func (r *Request) ask(s *forkserver.Server, directory int) (*Child, error) {
	pair, err := seqpacket.Pair(0)
	if err != nil {
		return nil, &SetupError{Op: "socketpair", Err: err}
	}
	defer unix.Close(pair[1])
	if err := unix.SetNonblock(pair[0], true); err != nil {
		unix.Close(pair[0])
		return nil, &SetupError{Op: "fcntl", Err: err}
	}
	c := &Child{
		server:         s,
		dir:            cmp.Or(r.Dir, hostsDirectory),
		began:          time.Now(),
		program:        r.Program,
		script:         r.Plan.ScriptName,
		namespaces:     r.Namespaces,
		namespaceNames: r.NamespaceNames,
		reports: reports{
			socket:    os.NewFile(uintptr(pair[0]), "start socket"),
			isActor:   r.Plan.isActor(),
			announced: r.announced(),
		},
		born:  make(chan struct{}),
		ended: make(chan struct{}),
	}
	c.id, err = s.Request(c, r.Namespaces, r.announced(), pair[1], directory)
	if err != nil {
		c.reports.socket.Close()
		return nil, err
	}
	return c, nil
}

// announced reports whether the child says when it is in its namespaces: for the id maps, and where
// it enters them itself, so that a refusal ends the start.
func (r *Request) announced() bool {
	return r.Namespaces != 0 && (r.hasMaps() || !bornInNamespaces(r.Namespaces))
}

func (r *Request) hasMaps() bool { return r.UIDMap != "" || r.GIDMap != "" }

// goAhead takes the child from its birth to the start of its script.
func (c *Child) goAhead(ctx context.Context, r *Request, memfd, size int) error {
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
		if err := writeIDMaps(&c.Process, r.UIDMap, r.GIDMap); err != nil {
			return err
		}
		return c.sendGoAhead(r, memfd, size)
	}
	return nil
}

func (c *Child) sendGoAhead(r *Request, memfd, size int) error {
	message := wire.GoAhead{
		PlanSize:    uint64(size),
		ExtraFiles:  uint32(len(r.ExtraFiles)),
		HiddenFiles: uint32(len(r.HiddenFiles)),
	}
	files := append(make([]*os.File, 0, 8), r.Stdio[0], r.Stdio[1], r.Stdio[2], r.Inbox)
	if r.Arg != nil {
		message.HasArg = 1
		files = append(files, r.Arg)
	}
	files = append(append(files, r.ExtraFiles...), r.HiddenFiles...)
	fds := append(make([]int, 0, 8), memfd)
	for _, file := range files {
		fds = append(fds, int(file.Fd()))
	}
	if r.Ring != nil {
		message.HasTrace = 1
		fds = slices.Insert(fds, len(fds)-len(r.HiddenFiles), *r.Ring)
	}
	err := seqpacket.Send(c.reports.socket, wire.Bytes(&message), fds...)
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
func (c *Child) awaitBirth(ctx context.Context) error {
	select {
	case <-c.born:
		return c.birthErr
	case <-ctx.Done():
		return ctx.Err()
	}
}

// awaitNamespaces waits for the child's word that it is in its namespaces.
func (c *Child) awaitNamespaces() error {
	switch record, err := c.reports.read(); {
	case err != nil && c.isOrphan():
		return c.err
	case err != nil:
		return &SetupError{Op: "create namespaces", Err: errors.New("the child was killed")}
	case record.Kind == wire.SetupFailed:
		return record.SetupError()
	case record.Kind != wire.NamespacesReady:
		return &SetupError{Op: "create namespaces", Err: errMalformed}
	}
	return nil
}

// Born is called once, by the server that made the child, unless it could not be made.
func (c *Child) Born(pid, pidfd int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Process.open(pid, pidfd)
	if c.abandoned {
		c.Process.Kill()
	}
	close(c.born)
}

// Unreachable is called instead by a server whose child this process has no room for.
func (c *Child) Unreachable(err error) { c.setNotBorn(&SetupError{Op: "receive pidfd", Err: err}) }

// NotBorn is called instead by a server that has no child for us.
func (c *Child) NotBorn(call string, err error) {
	switch {
	case call == "fchdir":
		err = &DirectoryError{&os.PathError{Op: "chdir", Path: c.dir, Err: err}}
	case call == "fork" && c.namespaces != 0:
		err = &NamespaceError{err}
	default:
		err = &SetupError{Op: call, Err: err}
	}
	c.setNotBorn(err)
	c.setEnd(nil, err)
}

func (c *Child) setNotBorn(err error) {
	c.birthErr = err
	close(c.born)
}

func (c *Child) isBorn() bool {
	select {
	case <-c.born:
		return true
	default:
		return false
	}
}

// Ended is called once, by the server that made the child, as the last of its calls.
func (c *Child) Ended(event *wire.Event) {
	c.setEnd(&End{
		Pid:        int(event.Pid),
		Status:     syscall.WaitStatus(event.Status),
		UserTime:   time.Duration(event.UserMicroseconds) * time.Microsecond,
		SystemTime: time.Duration(event.SystemMicroseconds) * time.Microsecond,
		MaxRSS:     event.MaxRSSKilobytes * 1024,
		Usage: syscall.Rusage{
			Utime:  syscall.NsecToTimeval(event.UserMicroseconds * 1000),
			Stime:  syscall.NsecToTimeval(event.SystemMicroseconds * 1000),
			Maxrss: event.MaxRSSKilobytes,
			Minflt: event.MinorFaults,
			Majflt: event.MajorFaults,
			Nvcsw:  event.VoluntarySwitches,
			Nivcsw: event.InvoluntarySwitches,
		},
	}, nil)
}

// setEnd is called once.
func (c *Child) setEnd(end *End, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end, c.err = end, err
	if c.logged || c.abandoned {
		c.logEnd()
	}
	close(c.ended)
	if c.abandoned {
		c.Process.release()
	}
}

// Lost ends a child whose server has died.
func (c *Child) Lost() {
	if c.isBorn() {
		c.Process.Kill()
		c.Process.waitForDeath()
	} else { // nobody is left who could say who it is
		c.setNotBorn(&forkserver.Error{Op: "start child", Err: forkserver.ErrGone})
	}
	c.setEnd(nil, &forkserver.Error{Op: "wait", Err: forkserver.ErrGone})
}

// IsEnded reports whether the child has ended, or its server has.
func (c *Child) IsEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

func (c *Child) isOrphan() bool { return c.IsEnded() && c.err != nil }

// Detach lets the child outlive this process.
func (c *Child) Detach() error { return c.server.Detach(c.id, c.Process.Pid()) }

// abandon ends a child that was not started completely, as soon as the server has said who it is. It
// may run already.
func (c *Child) abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandoned = true
	go c.reports.socket.Close() // see reports.close; it may run and send now
	c.Process.Kill()            // os.ErrProcessDone: it is not born yet, or has ended
	if c.IsEnded() {
		c.logEnd()
		c.Process.release()
	}
}

// WaitScript waits until the script has ended, in whatever way. It may be called before Wait.
func (c *Child) WaitScript() Outcome {
	if !c.settle() {
		return c.Wait()
	}
	return c.outcome(nil)
}

// AwaitSilence waits for at most the timeout. It returns true when the child has executed a program
// or ended, so that its script does nothing any more.
func (c *Child) AwaitSilence(timeout time.Duration) bool {
	if c.IsEnded() {
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
	return err != nil || poll[0].Revents&unix.POLLHUP != 0 || c.IsEnded()
}

// settle reads reports until it is known how the script ended; false if the child ended before
// that. Its end is enough: a stray process that the script forked may hold the socket open.
func (c *Child) settle() bool {
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

// ScriptDone reports whether the child has said that its script has succeeded.
func (c *Child) ScriptDone() bool { return c.reports.scriptDone() }

// Wait waits for the end of the process.
func (c *Child) Wait() Outcome {
	<-c.ended
	if c.err != nil {
		return Outcome{Err: c.err}
	}
	c.reports.drain()
	return c.outcome(c.end)
}

func (c *Child) outcome(end *End) Outcome {
	return Outcome{
		Last:        c.reports.last(),
		Explanation: c.reports.lastExplanation(),
		ScriptDone:  c.reports.scriptDone(),
		End:         end,
	}
}

// Close gives back what a child that has ended still holds.
func (c *Child) Close() {
	c.reports.close()
	c.Process.release()
}
