//go:build (linux || freebsd) && cgo

// Package actorself gives an actor the descriptors that its host has passed to it, and tells the host
// its last words. In a process that is no actor it finds nothing.
package actorself

// #include "../../csrc/role_actor.h"
// #include "../../csrc/util_fds.h"
import "C"

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime/debug"
	"sync"

	_ "github.com/go-initscript/initscript/csrc" // role_actor.c
	"github.com/go-initscript/initscript/internal/seqpacket"
	"github.com/go-initscript/initscript/internal/wire"
	"golang.org/x/sys/unix"
)

// Self holds what the host has given to this actor. The caller of [Take] owns the files.
type Self struct {
	Entry      string
	Inbox      *os.File // a source of package mailbox
	Parent     *os.File // a channel
	ExtraFiles []*os.File
}

// Take returns what this actor has, or nil in a process that is no actor. It is called once.
func Take() *Self {
	actor := C.initscript_this_actor()
	if actor == nil {
		return nil
	}
	self := &Self{
		Entry:  C.GoString(actor.entry),
		Inbox:  os.NewFile(C.INITSCRIPT_INBOX_FD, "inbox"),
		Parent: inherited(wire.HiddenParent, "channel to parent"),
	}
	for i := range int(actor.extra_files) {
		fd := C.INITSCRIPT_EXTRA_FD + i
		file := os.NewFile(uintptr(fd), fmt.Sprintf("extra file %d", i))
		self.ExtraFiles = append(self.ExtraFiles, file)
	}
	return self
}

// Executable returns what servers are executed from, as an actor has it from its host, or nil. It is
// not the caller's to close.
var Executable = sync.OnceValue(func() *os.File {
	return inherited(wire.HiddenExecutable, "initscript executable")
})

// OpenNull returns the null device, which all callers share: that of the host, whose root directory may
// be another one.
var OpenNull = sync.OnceValues(func() (*os.File, error) {
	if null := inherited(wire.HiddenNull, os.DevNull); null != nil {
		return null, nil
	}
	return os.OpenFile(os.DevNull, os.O_RDWR, 0)
})

func inherited(which int, name string) *os.File {
	actor := C.initscript_this_actor()
	if actor == nil {
		return nil
	}
	return os.NewFile(uintptr(hiddenFile(actor, which)), name)
}

func hiddenFile(actor *C.struct_initscript_actor, which int) int {
	return int(actor.start_socket) + 1 + which
}

// As early as possible: the initializers of other packages can panic, too.
func init() {
	actor := C.initscript_this_actor()
	if actor == nil {
		return
	}
	fd := hiddenFile(actor, wire.HiddenCrash)
	crash := os.NewFile(uintptr(fd), "crash report")
	if err := debug.SetCrashOutput(crash, debug.CrashOptions{}); err != nil {
		return // the text is on the standard error only
	}
	// SetCrashOutput has made it block, but a full pipe must not keep the process from ending.
	unix.SetNonblock(fd, true)
	crash.Close() // it has made a duplicate
}

// Exit ends this actor. It tells the host of an error that is not nil.
func Exit(failure error) {
	if failure == nil {
		os.Exit(0)
	}
	if actor := C.initscript_this_actor(); actor != nil {
		unix.Sendto(int(actor.start_socket), entryFailed(failure), seqpacket.SendFlags, nil)
	}
	os.Exit(1)
}

func entryFailed(failure error) []byte {
	message := wire.Bytes(&wire.RecordHeader{Kind: wire.EntryFailed, Fields: 1})
	text := failure.Error()
	text = text[:min(len(text), wire.RecordSize-len(message)-4)]
	message = binary.NativeEndian.AppendUint32(message, uint32(len(text)))
	return append(message, text...)
}
