//go:build (linux || freebsd) && cgo

package forkserver

// #include "../../csrc/role_launch.h"
// #include "../../csrc/sys_executable.h"
// #include "../../csrc/sys_process.h"
// #include "../../csrc/wire.h"
// #include <stdlib.h>
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	_ "github.com/go-initscript/initscript/csrc" // the server
	"github.com/go-initscript/initscript/internal/actorself"
	"github.com/go-initscript/initscript/internal/eventlog"
	"github.com/go-initscript/initscript/internal/hoststate"
	"github.com/go-initscript/initscript/internal/pidfd"
	"github.com/go-initscript/initscript/internal/seqpacket"
	"golang.org/x/sys/unix"
)

const serverName = C.INITSCRIPT_SERVER_NAME

// A process that was executed to serve and does not, for whatever reason, must not run the program
// once more: that would start the next one, and so on.
func init() {
	if len(os.Args) == 1 && os.Args[0] == serverName {
		os.Exit(1)
	}
}

// startServer starts one that nobody else uses yet. servers is locked.
func startServer() (*Server, error) {
	s, err := executeAndGreet()
	if err != nil {
		return nil, &Error{Op: "start fork server", Err: err}
	}
	return s, nil
}

func executeAndGreet() (*Server, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := pidfd.CanSignal(); err != nil {
		return nil, err
	}
	state, files := hoststate.First()
	s := takeEarlyServer()
	if s == nil {
		var err error
		if s, err = launchServer(); err != nil {
			files.Close()
			return nil, err
		}
	}
	s.state, s.files = state, files
	eventlog.Log(slog.LevelDebug, "fork server started", slog.Int("pid", s.pid))
	go s.receive()
	return s, nil
}

// takeEarlyServer returns the server that this program has started before the Go runtime booted; nil
// if there is none, or if it does not serve. It was born in the state that the process still has:
// only the command has such a server, and changes nothing of that before its first start.
func takeEarlyServer() *Server {
	var pid C.pid_t
	fd := int(C.initscript_take_early(&pid))
	if fd < 0 {
		return nil
	}
	s, err := newServer(fd)
	if err != nil {
		return nil
	}
	s.pid = int(pid)
	if err := s.awaitGreeting(); err != nil {
		s.control.Close()
		return nil
	}
	return s
}

func launchServer() (*Server, error) {
	if err := openExecutableOnce(); err != nil {
		return nil, err
	}
	pair, err := seqpacket.Pair(0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	remote := os.NewFile(uintptr(pair[1]), "fork server's end")
	defer remote.Close()
	s, err := newServer(pair[0])
	if err != nil {
		return nil, err
	}
	if err := s.launch(remote); err != nil {
		s.control.Close()
		return nil, err
	}
	return s, nil
}

// newServer takes the descriptor over.
func newServer(control int) (*Server, error) {
	if err := unix.SetNonblock(control, true); err != nil {
		unix.Close(control)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return &Server{
		control: os.NewFile(uintptr(control), "fork server"),
		started: make(map[uint64]Child),
		quit:    make(chan struct{}),
		gone:    make(chan struct{}),
	}, nil
}

// Executable returns what servers are executed from. It is not the caller's to close.
func Executable() (*os.File, error) {
	servers.Lock()
	defer servers.Unlock()
	err := openExecutableOnce()
	return servers.executable, err
}

// openExecutableOnce sets servers.executable, so that later starts do not depend on the file being
// there. An actor has got that of its host: its root directory may have no /proc. servers is locked.
func openExecutableOnce() error {
	if servers.executable == nil {
		servers.executable = actorself.Executable()
	}
	if servers.executable != nil {
		return nil
	}
	var failed *C.char
	fd, err := C.initscript_open_executable(&failed)
	if fd < 0 {
		return os.NewSyscallError(C.GoString(failed), err)
	}
	servers.executable = os.NewFile(uintptr(fd), "initscript executable")
	return nil
}

// sealExecutable has the next servers executed from a sealed copy, which rules about files do not
// apply to. servers is locked.
func sealExecutable() error {
	if err := openExecutableOnce(); err != nil {
		return err
	}
	return sealOpenedExecutable()
}

// sealOpenedExecutable is sealExecutable where servers is locked.
func sealOpenedExecutable() error {
	if servers.sealed {
		return nil
	}
	var failed *C.char
	fd, err := C.initscript_copy_executable(C.int(servers.executable.Fd()), &failed)
	if fd < 0 {
		return os.NewSyscallError(C.GoString(failed), err)
	}
	defer unix.Close(int(fd))
	// In its place, for whoever has got it from Executable.
	if err := unix.Dup3(int(fd), int(servers.executable.Fd()), unix.O_CLOEXEC); err != nil {
		return os.NewSyscallError("dup3", err)
	}
	servers.sealed = true
	return nil
}

// launch executes the server and exchanges greetings with it.
func (s *Server) launch(remote *os.File) error {
	greeting, err := newGreeting()
	if err != nil {
		return err
	}
	if err := seqpacket.Send(s.control, greeting); err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	null, err := actorself.OpenNull()
	if err != nil {
		return err
	}
	s.pid, err = executeServer(int(null.Fd()), int(remote.Fd()))
	// EACCES: a Landlock domain or an LSM that does not allow this file.
	if errors.Is(err, unix.EACCES) && !servers.sealed && sealOpenedExecutable() == nil {
		s.pid, err = executeServer(int(null.Fd()), int(remote.Fd()))
	}
	if errors.Is(err, unix.ENOENT) { // the file is a descriptor, so it is not that
		return fmt.Errorf("execute this program: "+
			"its dynamic loader is not in this root directory: %w", err)
	}
	if err != nil {
		return fmt.Errorf("execute this program: %w", err)
	}
	remote.Close() // or the end of a server that fails would not be seen
	return s.awaitGreeting()
}

// awaitGreeting waits until the server is ready. One that is not is gone when this returns.
func (s *Server) awaitGreeting() error {
	greeting, err := newGreeting()
	answer := make([]byte, len(greeting)+1)
	n := 0
	if err == nil {
		n, _, err = seqpacket.Receive(s.control, answer, nil)
	}
	switch {
	case err == nil && bytes.Equal(answer[:n], greeting):
		return nil
	case os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid():
		err = errors.New("real and effective ids of this process differ, so the kernel executes it in " +
			"secure mode (AT_SECURE), where it refuses to serve; make them equal first")
	case err == nil || errors.Is(err, io.EOF):
		err = errors.New("this program, executed once more, does not answer as a fork server")
	}
	syscall.Kill(s.pid, syscall.SIGKILL)
	s.wait()
	return err
}

func executeServer(null, control int) (pid int, err error) {
	// What the dynamic loader needs to find the same libraries.
	var loader []string
	for _, name := range []string{"LD_LIBRARY_PATH", "LD_PRELOAD"} {
		if value, ok := os.LookupEnv(name); ok {
			loader = append(loader, name+"="+value)
		}
	}
	entries := cStrings(loader)
	defer freeCStrings(entries)
	// As in os/exec: no descriptor of another goroutine is without its close-on-exec flag now.
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	result, err := C.initscript_launch(C.int(servers.executable.Fd()), C.int(null), C.int(control),
		&entries[0])
	if result < 0 {
		return 0, os.NewSyscallError("execveat", err)
	}
	return int(result), nil
}

// cStrings returns a NULL-terminated array.
func cStrings(strings []string) []*C.char {
	array := make([]*C.char, len(strings)+1)
	for i, s := range strings {
		array[i] = C.CString(s)
	}
	return array
}

func freeCStrings(array []*C.char) {
	for _, s := range array {
		C.free(unsafe.Pointer(s))
	}
}

// newGreeting encodes struct initscript_greeting for the calling thread.
func newGreeting() ([]byte, error) {
	var greeting C.struct_initscript_greeting
	if ok, err := C.initscript_make_greeting(&greeting); !ok {
		return nil, os.NewSyscallError("capget", err)
	}
	return C.GoBytes(unsafe.Pointer(&greeting), C.int(unsafe.Sizeof(greeting))), nil
}
