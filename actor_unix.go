//go:build (linux || freebsd) && cgo

package initscript

// #include "csrc/actor.h"
// #include "csrc/fds.h"
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"unsafe"

	"github.com/go-initscript/initscript/internal/seqpacket"
	"golang.org/x/sys/unix"
)

// maxCrashText is what a pipe holds. Nobody reads before the end, and what is more gets lost.
const maxCrashText = 64 << 10

// actorFiles are the actor's ends of what connects it with its host.
type actorFiles struct {
	actor                *Actor
	inbox, parent, crash *os.File
	program, null        *os.File // not ours to close
}

// fill makes the request one for an actor.
func (f *actorFiles) fill(request *spawnRequest) {
	request.inbox = f.inbox
	if f.actor.isLua() {
		request.plan.isLua = true
		request.plan.module, request.plan.moduleSource = f.actor.Module, f.actor.ModuleSource
		request.plan.moduleName = f.actor.name()
		request.plan.moduleMemoryLimit = f.actor.ModuleMemoryLimit
		request.hiddenFiles = []*os.File{C.INITSCRIPT_PARENT: f.parent}
		return
	}
	request.plan.entry = f.actor.Entry
	request.plan.args = os.Args[:1]
	request.hiddenFiles = []*os.File{
		C.INITSCRIPT_PARENT:  f.parent,
		C.INITSCRIPT_CRASH:   f.crash,
		C.INITSCRIPT_PROGRAM: f.program,
		C.INITSCRIPT_NULL:    f.null,
	}
}

func (f *actorFiles) close() { closeFiles([]*os.File{f.inbox, f.parent, f.crash}) }

// open makes both ends of all that connects the host with the actor.
func (a *Actor) open() (*actorFiles, error) {
	if a.isLua() {
		return a.openChannels()
	}
	program, err := openedProgram()
	if err != nil {
		return nil, &ServerError{Op: "open this program", Err: err}
	}
	null, err := openNull()
	if err != nil {
		return nil, err
	}
	files, err := a.openChannels()
	if err != nil {
		return nil, err
	}
	var crash [2]int
	if err := unix.Pipe2(crash[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		a.Close()
		files.close()
		return nil, &SetupError{Op: "pipe2", Err: err}
	}
	a.crash = os.NewFile(uintptr(crash[0]), "crash report of actor")
	files.crash = os.NewFile(uintptr(crash[1]), "crash report")
	files.program, files.null = program, null
	return files, nil
}

// openChannels makes both ends of the channels from and to the actor.
func (a *Actor) openChannels() (*actorFiles, error) {
	down, up, err := channelPairs()
	if err != nil {
		return nil, err
	}
	a.channel = newChannel(down[0])
	a.inbox = NewInbox()
	a.inbox.addSource(up[0])
	return &actorFiles{actor: a, inbox: down[1], parent: up[1]}, nil
}

// channelPairs makes the sockets of both directions, the host's end first.
func channelPairs() (down, up [2]*os.File, err error) {
	down[1], down[0], err = seqpacket.OneWayPair("inbox of actor", "channel to actor")
	if err == nil {
		if up[0], up[1], err = seqpacket.OneWayPair("inbox of host", "channel of actor"); err != nil {
			closeFiles(down[:])
		}
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = &SetupError{Op: call.Syscall, Err: call.Err}
	}
	return down, up, err
}

// lastWords returns what the Go runtime of the actor wrote when it gave up. It waits for nothing: a
// process that the actor has forked may hold the pipe open.
func (a *Actor) lastWords() (message, stack string) {
	text := make([]byte, maxCrashText)
	length := 0
	if connection, err := a.crash.SyscallConn(); err == nil {
		connection.Read(func(fd uintptr) bool {
			for length < len(text) {
				n, err := unix.Read(int(fd), text[length:])
				if err != unix.EINTR && n <= 0 {
					break
				}
				length += max(n, 0)
			}
			return true
		})
	}
	const beginOfStack = "\ngoroutine "
	message, stack, found := strings.Cut(string(text[:length]), beginOfStack)
	message = strings.TrimSpace(message)
	if found {
		stack = beginOfStack[1:] + stack
	}
	if found && message == "" {
		message = "fatal error" // which one is said on the standard error only
	}
	return message, stack
}

// thisActor returns nil in a process that is no actor.
func thisActor() *C.struct_initscript_actor { return C.initscript_this_actor() }

func hiddenFile(actor *C.struct_initscript_actor, which C.int) int {
	return int(actor.report_fd + 1 + which)
}

// As early as possible: the initializers of other packages can panic, too.
func init() {
	actor := thisActor()
	if actor == nil {
		return
	}
	fd := hiddenFile(actor, C.INITSCRIPT_CRASH)
	crash := os.NewFile(uintptr(fd), "crash report")
	if err := debug.SetCrashOutput(crash, debug.CrashOptions{}); err != nil {
		return // the text is on the standard error only
	}
	// SetCrashOutput has made it block, but a full pipe must not keep the process from ending.
	unix.SetNonblock(fd, true)
	crash.Close() // it has made a duplicate
}

// hostsProgram returns the program as an actor has it from its host, or nil.
func hostsProgram() *os.File { return inherited(C.INITSCRIPT_PROGRAM, "initscript program") }

// hostsNull likewise returns the null device.
func hostsNull() *os.File { return inherited(C.INITSCRIPT_NULL, os.DevNull) }

func inherited(which C.int, name string) *os.File {
	actor := thisActor()
	if actor == nil {
		return nil
	}
	return os.NewFile(uintptr(hiddenFile(actor, which)), name)
}

// runEntry returns if this process is no actor.
func runEntry() {
	actor := thisActor()
	if actor == nil {
		return
	}
	self := &Self{Entry: C.GoString(actor.entry), inbox: NewInbox()}
	self.inbox.addSource(os.NewFile(C.INITSCRIPT_INBOX_FD, "inbox"))
	self.parent = newChannel(os.NewFile(uintptr(hiddenFile(actor, C.INITSCRIPT_PARENT)), "channel to parent"))
	for i := range int(actor.extra_files) {
		fd := C.INITSCRIPT_EXTRA_FD + i
		self.ExtraFiles = append(self.ExtraFiles, os.NewFile(uintptr(fd), fmt.Sprintf("extra file %d", i)))
	}
	entry, err := findEntry(self.Entry)
	if err == nil {
		defer func() {
			if isGoexit() { // there is nobody to whom the process would still be of use
				endActor(actor, errors.New("the entry has called runtime.Goexit"))
			}
		}()
		err = entry(self)
	}
	endActor(actor, err)
}

// isGoexit tells a deferred function why it runs. recover would change what a panic says.
func isGoexit() bool {
	callers := make([]uintptr, 8)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	for {
		frame, more := frames.Next()
		if frame.Function == "runtime.Goexit" {
			return true
		}
		if !more {
			return false
		}
	}
}

func endActor(actor *C.struct_initscript_actor, err error) {
	if err == nil {
		os.Exit(0)
	}
	reportEntryFailure(int(actor.report_fd), err)
	os.Exit(1)
}

func reportEntryFailure(fd int, failure error) {
	header := C.struct_initscript_record{kind: C.INITSCRIPT_ENTRY_FAILED, fields: 1}
	message := C.GoBytes(unsafe.Pointer(&header), C.int(unsafe.Sizeof(header)))
	text := failure.Error()
	text = text[:min(len(text), C.INITSCRIPT_RECORD_SIZE-len(message)-4)]
	message = binary.NativeEndian.AppendUint32(message, uint32(len(text)))
	unix.Sendto(fd, append(message, text...), seqpacket.SendFlags, nil)
}
