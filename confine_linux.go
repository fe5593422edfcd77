//go:build (linux || freebsd) && cgo

package initscript

// #include "csrc/live.h"
import "C"

import (
	"errors"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"github.com/go-initscript/initscript/internal/start"
	"github.com/go-initscript/initscript/internal/wire"
)

var confining sync.Mutex

func (c *Confinement) apply() error {
	confining.Lock()
	defer confining.Unlock()
	// No child of the time before may still wait for its plan, and no server may be left or be started until
	// the script has ended: whoever then takes over this process would have it start something unconfined.
	// A filter of the script could keep the host from ending a server, so this comes before.
	return publicError(start.Without(c.run), nil)
}

// run runs the script in C, on a thread that never executes Go code.
func (c *Confinement) run() error {
	script, name := append([]byte(c.Script), 0), append([]byte(c.scriptName()), 0)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&script[0])
	pinner.Pin(&name[0])
	confinement := C.struct_initscript_confinement{
		script:        (*C.char)(unsafe.Pointer(&script[0])),
		script_length: C.size_t(len(c.Script)),
		script_name:   (*C.char)(unsafe.Pointer(&name[0])),
		memory_limit:  C.uint64_t(c.memoryLimit()),
		arg:           -1,
	}
	if c.Arg != nil {
		confinement.arg = C.int(c.Arg.Fd())
	}
	var refusal C.struct_initscript_refusal
	result := C.initscript_confine(&confinement, &refusal)
	clear(script)
	runtime.KeepAlive(c.Arg)
	switch {
	case result == 0:
		return nil
	case refusal.system_call != nil:
		return &SetupError{Op: C.GoString(refusal.system_call), Err: syscall.Errno(refusal.error)}
	case refusal.message[0] == 0:
		return &SetupError{Op: "start script", Err: errors.New("its thread has ended")}
	}
	failure := start.Record{Kind: wire.LoadFailed, Fields: []string{C.GoString(&refusal.message[0])}}
	return scriptError(&failure, c.scriptName())
}
